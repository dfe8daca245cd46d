import { describe, expect, it, vi } from 'vitest';
import { QmpClient, settled, testEmulator } from '../fixtures.ts';
import { serveQmp } from './index.ts';

const VERSION = { qemu: { major: 7, minor: 2, micro: 0 }, package: 'Boardwalk 1.2.3' };

describe('a QMP connection', () => {
  it('greets, wants the negotiation first, and once', async () => {
    const client = new QmpClient(await testEmulator());
    expect(client.take()).toEqual([{ QMP: { version: VERSION, capabilities: ['oob'] } }]);
    expect(await client.fail('query-version')).toEqual({
      class: 'CommandNotFound',
      desc: "Expecting capabilities negotiation with 'qmp_capabilities'",
    });
    expect(await client.ask({ execute: 'qmp_capabilities', id: 1 })).toEqual([{ return: {}, id: 1 }]);
    expect(await client.fail('qmp_capabilities')).toEqual({
      class: 'CommandNotFound',
      desc: 'Capabilities negotiation is already complete, command ignored',
    });
    expect(await client.execute('query-version')).toEqual(VERSION);
  });

  it('answers in order and echoes ids of any kind', async () => {
    const client = await QmpClient.ready(await testEmulator());
    const ids = ['"a"', '1', 'null', '{"a": [1.5, true]}', '18446744073709551615'];
    client.pipe.send(ids.map((id) => `{"execute": "query-version", "id": ${id}}`).join(''));
    await settled();
    const sent = client.pipe.sent.split('\r\n').slice(2, -1);
    expect(sent.map((line) => /"id": (.*)\}$/.exec(line)?.[1])).toEqual(ids);
  });

  it.each([
    ['[1]', 'QMP input must be a JSON object'],
    ['{}', "QMP input lacks member 'execute'"],
    ['{"execute": 1}', "QMP input member 'execute' must be a string"],
    ['{"execute": "stop", "bar": 1}', "QMP input member 'bar' is unexpected"],
    ['{"execute": "stop", "arguments": null}', "QMP input member 'arguments' must be an object"],
    ['{"exec-oob": "stop"}', "QMP input member 'exec-oob' is unexpected"],
    ['{"execute": "stop", "arguments": {"x": 1}}', "Parameter 'x' is unexpected"],
    ['{"execute" "stop"}', 'JSON parse error, missing : in object pair'],
  ])('answers %s with an error and goes on', async (text, desc) => {
    const client = await QmpClient.ready(await testEmulator());
    expect(await client.ask(text)).toEqual([{ error: { class: 'GenericError', desc } }]);
    expect(await client.execute('query-version')).toEqual(VERSION);
  });

  it('tells every monitor in command mode what happens, in the order in which it happens', async () => {
    const emulator = await testEmulator();
    const [first, second] = [await QmpClient.ready(emulator), await QmpClient.ready(emulator)];
    const silent = new QmpClient(emulator);
    silent.take();
    const time = { timestamp: { seconds: expect.any(Number), microseconds: expect.any(Number) } };
    expect(await first.ask({ execute: 'cont' })).toEqual([{ event: 'RESUME', ...time }, { return: {} }]);
    expect(await first.ask({ execute: 'query-status' })).toEqual([
      { return: { status: 'running', singlestep: false, running: true } },
    ]);
    expect(await first.ask({ execute: 'system_reset' })).toEqual([
      { event: 'RESET', data: { guest: false, reason: 'host-qmp-system-reset' }, ...time },
      { return: {} },
    ]);
    expect(await first.ask({ execute: 'stop' })).toEqual([{ event: 'STOP', ...time }, { return: {} }]);
    expect(await first.ask({ execute: 'system_powerdown' })).toEqual([{ event: 'POWERDOWN', ...time }, { return: {} }]);
    expect(second.take().map(({ event }) => event)).toEqual(['RESUME', 'RESET', 'STOP', 'POWERDOWN']);
    expect(silent.take()).toEqual([]);
  });

  it('answers quit, then tells of the shutdown, then lets the program end', async () => {
    const emulator = await testEmulator();
    const client = await QmpClient.ready(emulator);
    expect(await client.ask({ execute: 'quit', id: 3 })).toEqual([
      { return: {}, id: 3 },
      {
        event: 'SHUTDOWN',
        data: { guest: false, reason: 'host-qmp-quit' },
        timestamp: { seconds: expect.any(Number), microseconds: expect.any(Number) },
      },
    ]);
    expect(emulator.quits).toBe(1);
  });

  it('tells of a shutdown by the guest with its reason, and of a second only after a reset', async () => {
    const emulator = await testEmulator({ machine: { noShutdown: true } });
    const client = await QmpClient.ready(emulator);
    emulator.machine.shutdown('guest');
    emulator.events.shutdown('host-signal');
    emulator.machine.reset('host');
    emulator.events.shutdown('host-signal');
    const told = client.take().map(({ event, data }) => [event, data]);
    expect(told).toEqual([
      ['SHUTDOWN', { guest: true, reason: 'guest-shutdown' }],
      ['STOP', undefined],
      ['RESET', { guest: false, reason: 'host-qmp-system-reset' }],
      ['SHUTDOWN', { guest: false, reason: 'host-signal' }],
    ]);
  });

  it('tells of a watchdog at once, and once a second of what a guest causes at will', async () => {
    vi.useFakeTimers();
    try {
      const emulator = await testEmulator({ machine: { watchdogAction: 'none' } });
      const told: unknown[] = [];
      emulator.events.listen(({ event, data }) => told.push(event === 'WATCHDOG' ? data : event));
      const { machine } = emulator;
      machine.watchdogExpired();
      machine.actions.watchdog = 'debug';
      machine.watchdogExpired();
      machine.actions.watchdog = 'none';
      machine.watchdogExpired();
      machine.powerdown();
      machine.powerdown();
      expect(told).toEqual([{ action: 'none' }, 'POWERDOWN', 'POWERDOWN']);
      vi.advanceTimersByTime(1000);
      expect(told.slice(3)).toEqual([{ action: 'none' }]);
      vi.advanceTimersByTime(5000);
      expect(told).toHaveLength(4);
      machine.watchdogExpired();
      expect(told).toHaveLength(5);
    } finally {
      vi.useRealTimers();
    }
  });

  it('refuses what may change where -compat says so', async () => {
    const policy = (unstableInput: 'accept' | 'reject') => testEmulator({ emulator: { compat: { unstableInput } } });
    const accepted = await (await QmpClient.ready(await policy('accept'))).ask({ execute: 'x-exit-preconfig' });
    expect(accepted).toEqual([{ error: { class: 'GenericError', desc: expect.stringContaining('only before') } }]);
    const client = await QmpClient.ready(await policy('reject'));
    const desc = 'Unstable command x-exit-preconfig disabled by policy';
    expect(await client.ask({ execute: 'x-exit-preconfig' })).toEqual([{ error: { class: 'CommandNotFound', desc } }]);
    const schema = (await client.execute('query-qmp-schema')) as { name: string; features?: string[] }[];
    const unstable = schema.filter(({ features }) => features?.includes('unstable')).map(({ name }) => name);
    expect(unstable).toContain('x-exit-preconfig');
    expect(unstable).toEqual(schema.map(({ name }) => name).filter((name) => name.startsWith('x-')));
  });

  it('does what was asked before its input ended', async () => {
    const emulator = await testEmulator();
    const client = await QmpClient.ready(emulator);
    let event: (what: 'open' | 'close') => void = () => {};
    client.pipe.onEvent = (callback) => {
      event = callback;
    };
    client.session.close();
    serveQmp(emulator, client.pipe);
    client.pipe.send('{"execute": "qmp_capabilities"}');
    client.take();
    client.pipe.send('{"execute": "human-monitor-command", "arguments": {"command-line": "stop"}, "id": 1}');
    client.pipe.send('{"execute": "quit", "id": 2}');
    event('close');
    await vi.waitFor(() => expect(emulator.quits).toBe(1));
    expect(client.take()).toEqual([
      { return: '', id: 1 },
      { return: {}, id: 2 },
    ]);
  });

  it('begins anew with whoever connects next', async () => {
    const emulator = await testEmulator();
    const client = new QmpClient(emulator);
    let event: (what: 'open' | 'close') => void = () => {};
    client.pipe.onEvent = (callback) => {
      event = callback;
    };
    client.session.close();
    serveQmp(emulator, client.pipe);
    await client.ask({ execute: 'qmp_capabilities' });
    client.pipe.send('{"execute": "query-st');
    event('close');
    emulator.events.emit('STOP');
    expect(client.take()).toEqual([]);
    event('open');
    expect(client.take()).toEqual([{ QMP: { version: VERSION, capabilities: ['oob'] } }]);
    expect(await client.execute('qmp_capabilities')).toEqual({});
  });
});
