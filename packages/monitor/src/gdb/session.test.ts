import { type Cpu, PipeChar } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { testEmulator } from '../fixtures.ts';
import { encodePacket, PACKET_BYTES, toBytes } from './packet.ts';
import { serveGdb } from './session.ts';

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** A stub without a CPU to debug, and what it said. */
async function stub(monitorCommand?: (line: string) => string) {
  const emulator = await testEmulator();
  const char = new PipeChar();
  const service = serveGdb(emulator, char, monitorCommand === undefined ? {} : { monitorCommand });
  /** Sends bytes; gives what came back for them. */
  const raw = async (data: string): Promise<string> => {
    const before = char.sent.length;
    char.send(toBytes(data));
    for (let i = 0; i < 5; i++) await Promise.resolve();
    await new Promise((resolve) => setTimeout(resolve, 0));
    return char.sent.slice(before);
  };
  const ask = (packet: string): Promise<string> => raw(text(encodePacket(packet)));
  return { emulator, char, service, raw, ask };
}

describe('the stub', () => {
  it('acknowledges packets, refuses damaged ones, and sends its last answer again', async () => {
    const { raw, ask } = await stub();
    expect(await ask('qAttached')).toBe('+$1#31');
    expect(await raw('$qAttached#00')).toBe('-');
    expect(await raw('-')).toBe('$1#31');
    expect(await raw('noise$qAtta$qAttached#8f')).toBe('+$1#31');
    expect(await ask('QStartNoAckMode')).toBe('+$OK#9a');
    expect(await raw('+')).toBe('');
    expect(await ask('qAttached')).toBe('$1#31');
  });

  it('answers what it does not know with an empty packet', async () => {
    const { ask } = await stub();
    for (const packet of [
      '',
      '!',
      'vMustReplyEmpty',
      'qOffsets',
      'qSymbol::',
      'Z9,0,0',
      'vFile:open:00',
      'i',
      'QNonStop:1',
    ]) {
      expect(await ask(packet)).toBe('+$#00');
    }
  });

  it('refuses what is malformed', async () => {
    const { ask } = await stub();
    for (const packet of [
      'm',
      'm,',
      'm1',
      'mzz,1',
      'm0,fffff',
      'M0,4:00',
      'X0,1:',
      'Z0',
      'Z2,0,0',
      'H',
      'Hg99',
      'T7',
      'vCont;x',
      'P1',
    ]) {
      expect(await ask(packet)).toMatch(/^\+\$E(14|22)#/);
    }
  });

  it('refuses a packet that is too long, and takes the next', async () => {
    const { ask } = await stub();
    expect(await ask('m'.repeat(PACKET_BYTES + 10))).toBe('+$E22#a9');
    expect(await ask('qAttached')).toBe('+$1#31');
  });

  it('gives monitor commands in pieces that fit', async () => {
    const { ask } = await stub(() => 'x'.repeat(PACKET_BYTES));
    const answer = await ask(`qRcmd,${'61'}`);
    expect(answer.match(/\$O/g)?.length).toBeGreaterThan(2);
    expect(answer.endsWith('$OK#9a')).toBe(true);
  });

  it('survives random bytes and random packets', async () => {
    const { emulator, char, raw, ask } = await stub();
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const letters = '?gGpPmMXZzcsCSHTDRvqQ!$#}*0123456789abcdef,;:.-=\u0003\u00ff';
    for (let i = 0; i < 3000; i++) {
      const data = Array.from({ length: random(24) }, () => letters[random(letters.length)]).join('');
      char.send(random(2) === 0 ? toBytes(data) : encodePacket(data));
    }
    await raw('#00$#00'); // ends whatever packet had begun
    expect(await ask('qAttached')).toContain('$1#31');
    expect(emulator.quits).toBe(0);
  });

  it('ends the program at k', async () => {
    const { emulator, ask } = await stub();
    expect(await ask('k')).toBe('+');
    expect(emulator.quits).toBe(1);
  });

  it('has no thread where there is no vCPU that can be debugged', async () => {
    const { emulator, ask } = await stub();
    const cpus: readonly Cpu[] = emulator.machine.cpus;
    expect(cpus).toEqual([]);
    expect(await ask('?')).toBe('+$W00#b7');
    expect(await ask('qfThreadInfo')).toBe('+$m#6d');
    expect(await ask('g')).toBe('+$#00');
  });
});
