import { describe, expect, it } from 'vitest';
import { HmpClient, testEmulator } from '../fixtures.ts';

describe('an HMP connection', () => {
  it('greets with a prompt, echoes, and ends lines with CRLF', async () => {
    const client = new HmpClient(await testEmulator());
    expect(client.pipe.sent).toBe("QEMU 7.2.0 monitor (Boardwalk 1.2.3) - type 'help' for more information\r\n(qemu) ");
    const before = client.pipe.sent.length;
    await client.enter('info status');
    expect(client.pipe.sent.slice(before)).toBe('info status\r\nVM status: paused (prelaunch)\r\n(qemu) ');
  });

  it('takes lines that come together one after the other', async () => {
    const client = new HmpClient(await testEmulator());
    const before = client.pipe.sent.length;
    await client.enter('info status\r\nfoo\ninfo foo');
    expect(client.pipe.sent.slice(before)).toBe(
      "info status\r\nVM status: paused (prelaunch)\r\n(qemu) foo\r\nunknown command: 'foo'\r\n(qemu) info foo\r\nunknown command: 'info foo'\r\n(qemu) ",
    );
  });

  it('quits', async () => {
    const emulator = await testEmulator();
    await new HmpClient(emulator).enter('q');
    expect(emulator.quits).toBe(1);
  });

  it('says what is wrong with a line', async () => {
    const client = new HmpClient(await testEmulator());
    expect(await client.enter('stop extra')).toBe(
      'stop|s: extraneous characters at the end of line\nTry "help stop" for more information\n',
    );
  });
});
