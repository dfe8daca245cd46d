import { describe, expect, it } from 'vitest';
import { GatheredOutput } from './gathered-output.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Outputs whose pieces come into one list, with the name of theirs. */
function outputs(...names: string[]) {
  const sent: string[] = [];
  const made = names.map((name) => new GatheredOutput((data) => sent.push(`${name}:${Buffer.from(data)}`)));
  return { sent, made: made as [GatheredOutput, GatheredOutput] };
}

describe('GatheredOutput', () => {
  it('sends what was written together, when the code that wrote has ended', async () => {
    const { sent, made } = outputs('serial');
    for (const letter of 'login: ') made[0].write(ascii(letter));
    expect(sent).toEqual([]);
    await Promise.resolve();
    expect(sent).toEqual(['serial:login: ']);
    made[0].write(ascii('#'));
    await Promise.resolve();
    expect(sent).toEqual(['serial:login: ', 'serial:#']);
  });

  it('keeps the order of what goes to several', () => {
    const { sent, made } = outputs('serial', 'monitor');
    const [serial, monitor] = made;
    serial.write(ascii('a'));
    serial.write(ascii('b'));
    monitor.write(ascii('STOP'));
    serial.write(ascii('c'));
    GatheredOutput.flush();
    expect(sent).toEqual(['serial:ab', 'monitor:STOP', 'serial:c']);
  });

  it('keeps a bounded amount, and the order of small and large pieces', () => {
    const { sent, made } = outputs('serial');
    const page = 'x'.repeat(4096);
    made[0].write(ascii('a'));
    made[0].write(ascii(page));
    expect(sent).toEqual(['serial:a']);
    made[0].write(ascii(`${page}b`));
    expect(sent).toEqual(['serial:a', `serial:${page}`, `serial:${page}b`]);
  });

  it('sends what is written to another while it sends', async () => {
    const { sent, made } = outputs('serial');
    const copied = new GatheredOutput((data) => {
      sent.push('copy');
      made[0].write(data);
    });
    copied.write(ascii('once'));
    await Promise.resolve();
    expect(sent).toEqual(['copy', 'serial:once']);
  });
});
