// Whatever comes over a line, monitors answer and go on.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HmpClient, QmpClient, settled, testEmulator } from './fixtures.ts';
import { commands } from './qmp/schema/index.ts';

const NAMES = Object.keys(commands);
/** Ends the emulator, and nothing else. */
const HARMLESS = NAMES.filter((name) => name !== 'quit');

describe('QMP', () => {
  it('answers after any bytes', async () => {
    const emulator = await testEmulator();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }), async (pieces) => {
        const client = await QmpClient.ready(emulator);
        for (const piece of pieces) client.pipe.send(piece);
        const answers = await client.ask('\n\u0000{"execute": "query-name", "id": "end"}');
        expect(answers.at(-1)).toEqual({ return: {}, id: 'end' });
        for (const answer of answers.slice(0, -1)) expect(answer).toHaveProperty('error');
        client.session.close();
      }),
      { numRuns: 40 },
    );
  });

  it('answers each message with one answer, whatever its members', async () => {
    const emulator = await testEmulator();
    const names = fc.constantFrom(...HARMLESS);
    const keys = fc.constantFrom(
      'path',
      'property',
      'value',
      'id',
      'qom-type',
      'size',
      'typename',
      'val',
      'filename',
      'command-line',
      'type',
      'instances',
      'driver',
    );
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom('/', '/machine', '', 'memory-backend-ram', 4096, -1, 2 ** 53, true),
    );
    const message = fc.record(
      {
        execute: fc.oneof({ weight: 9, arbitrary: names }, { weight: 1, arbitrary: value }),
        arguments: fc.oneof(
          { weight: 9, arbitrary: fc.dictionary(keys, value, { maxKeys: 4 }) },
          { weight: 1, arbitrary: value },
        ),
        id: value,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 8 }), async (messages) => {
        const client = await QmpClient.ready(emulator);
        client.pipe.send(messages.map((m) => JSON.stringify(m)).join(''));
        for (let i = 0; i <= messages.length; i++) await settled();
        const answers = client.take().filter((answer) => !('event' in answer));
        expect(answers).toHaveLength(messages.length);
        for (const { error } of answers) {
          expect(JSON.stringify(error ?? '')).not.toMatch(/undefined|is not a function|Cannot read|internal/);
        }
        client.session.close();
      }),
      { numRuns: 60 },
    );
    expect(emulator.quits).toBe(0);
  });

  it('reads huge lines and deep nesting, and keeps nothing of them', async () => {
    const client = await QmpClient.ready(await testEmulator());
    const piece = new Uint8Array(1 << 20).fill(0x61);
    client.pipe.send('"');
    for (let i = 0; i < 9; i++) client.pipe.send(piece);
    const long = await client.ask('\n');
    expect(long.map(({ error }) => error)).toContainEqual({
      class: 'GenericError',
      desc: 'JSON token size limit exceeded',
    });
    const deep = await client.ask('['.repeat(100_000));
    expect(deep[0]).toEqual({ error: { class: 'GenericError', desc: 'JSON nesting depth limit exceeded' } });
    await client.ask('\u0000\n');
    expect(await client.execute('query-name')).toEqual({});
  });

  it('holds a client back that asks faster than it is answered', async () => {
    const emulator = await testEmulator();
    let open: () => void = () => {};
    const slow = {
      ...emulator,
      createFile: () =>
        new Promise<never>((_, reject) => {
          open = () => reject(new Error('no'));
        }),
    };
    const client = await QmpClient.ready(slow);
    const accepting: boolean[] = [];
    Object.assign(client.pipe, { canReceive: (on: boolean) => accepting.push(on) });
    client.pipe.send('{"execute": "pmemsave", "arguments": {"val": 0, "size": 1, "filename": "f"}}');
    for (let i = 0; i < 20; i++) client.pipe.send('{"execute": "query-name"}');
    expect(accepting).toEqual([false]);
    open();
    await settled();
    expect(accepting).toEqual([false, true]);
    expect(client.take()).toHaveLength(21);
  });

  it('serves a thousand connections at once, each with its own negotiation, and forgets those that end', async () => {
    const emulator = await testEmulator();
    const clients = Array.from({ length: 1000 }, () => new QmpClient(emulator));
    for (const [i, client] of clients.entries()) if (i % 2 === 0) client.pipe.send('{"execute": "qmp_capabilities"}');
    await settled();
    for (const client of clients) client.take();
    emulator.events.emit('STOP');
    expect(clients.map((client) => client.take().length)).toEqual(clients.map((_, i) => (i % 2 === 0 ? 1 : 0)));
    for (const client of clients) client.session.close();
    emulator.events.emit('STOP');
    expect(clients.some((client) => client.take().length > 0)).toBe(false);
  });
});

describe('HMP', () => {
  it('comes back to its prompt after any text', async () => {
    const emulator = await testEmulator();
    const words = fc.constantFrom(
      'info',
      'x',
      'xp/4xb',
      'p',
      'print',
      'help',
      'qom-list',
      'qom-get',
      'object_add',
      'device_add',
      'cpu',
      'sum',
      'log',
      'i',
      'o',
      'stop',
      '/',
      '-a',
      '"',
      '0x10',
      '$pc',
      '(((',
      '(1+',
      '~',
      ',id=',
      '\t',
      '\x1b[A',
      '\x17',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(words, fc.string({ unit: 'binary', maxLength: 20 })), { maxLength: 12 }),
        async (parts) => {
          const client = new HmpClient(emulator);
          // No line of these may end the program.
          client.pipe.send(parts.join(' ').replaceAll('q', 'Q'));
          for (let i = 0; i <= parts.length; i++) await settled();
          client.pipe.send('\x15\rinfo status\r');
          for (let i = 0; i <= parts.length + 2; i++) await settled();
          expect(client.pipe.sent).toMatch(/VM status: [^\r]*\r\n\(qemu\) $/);
          expect(client.pipe.sent).not.toMatch(/internal error/);
          client.session.close();
        },
      ),
      { numRuns: 30 },
    );
  });
});
