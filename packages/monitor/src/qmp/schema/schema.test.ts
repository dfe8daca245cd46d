import { describe, expect, it } from 'vitest';
import { QmpClient, testEmulator } from '../../fixtures.ts';
import type { JsonValue } from '../json/value.ts';
import type { CommandSpec } from './dsl.ts';
import { commands, events } from './index.ts';
import { checkValue } from './validate.ts';

interface Entry {
  readonly name: string;
  readonly 'meta-type': string;
  readonly members?: readonly { readonly name: string; readonly type: string }[];
  readonly variants?: readonly { readonly case: string; readonly type: string }[];
  readonly values?: readonly string[];
  readonly 'element-type'?: string;
  readonly 'arg-type'?: string;
  readonly 'ret-type'?: string;
  readonly 'allow-oob'?: boolean;
}

async function schemaOf(client: QmpClient): Promise<Map<string, Entry>> {
  const entries = (await client.execute('query-qmp-schema')) as Entry[];
  expect(new Set(entries.map(({ name }) => name)).size).toBe(entries.length);
  return new Map(entries.map((entry) => [entry.name, entry]));
}

describe('the schema', () => {
  it('is told whole: every command and event, and every type that they lead to', async () => {
    const no = (): never => {
      throw new Error('not asked here');
    };
    // With all that commands need.
    const client = await QmpClient.ready(
      await testEmulator({ emulator: { cpuModelQueries: { expand: no, compare: no, baseline: no } } }),
    );
    const schema = await schemaOf(client);
    const told = [...schema.values()].filter((entry) => /command|event/.test(entry['meta-type']));
    expect(told.map(({ name }) => name)).toEqual([...Object.keys(commands), ...Object.keys(events)]);
    const listed = (await client.execute('query-commands')) as { name: string }[];
    expect(listed.map(({ name }) => name)).toEqual(Object.keys(commands));
    for (const entry of schema.values()) {
      const types = [
        entry['arg-type'],
        entry['ret-type'],
        entry['element-type'],
        ...[...(entry.members ?? []), ...(entry.variants ?? [])].map(({ type }) => type),
      ];
      for (const type of types)
        if (type !== undefined)
          expect(schema.get(type)?.['meta-type'], type).toMatch(/builtin|enum|array|object|alternate/);
    }
  });

  it('tells arguments, optional ones, and out-of-band commands', async () => {
    const schema = await schemaOf(await QmpClient.ready(await testEmulator()));
    const args = schema.get(schema.get('human-monitor-command')?.['arg-type'] ?? '');
    expect(args?.members).toEqual([
      { name: 'command-line', type: 'str' },
      { name: 'cpu-index', type: 'int', default: null },
    ]);
    expect([...schema.values()].filter((entry) => entry['allow-oob']).map(({ name }) => name)).toEqual([
      'query-yank',
      'yank',
    ]);
  });

  it('tells the objects that can be made, with their properties', async () => {
    const schema = await schemaOf(await QmpClient.ready(await testEmulator()));
    const args = schema.get(schema.get('object-add')?.['arg-type'] ?? '');
    const kinds = schema.get(args?.members?.find(({ name }) => name === 'qom-type')?.type ?? '')?.values;
    expect(kinds).toContain('memory-backend-ram');
    const variant = args?.variants?.find((candidate) => candidate.case === 'memory-backend-ram');
    expect(schema.get(variant?.type ?? '')?.members).toEqual(
      expect.arrayContaining([
        { name: 'size', type: 'int' },
        { name: 'merge', type: 'bool', default: null },
        { name: 'host-nodes', type: '[int]', default: null },
      ]),
    );
  });

  it('is what the queries without arguments answer', async () => {
    const client = await QmpClient.ready(await testEmulator());
    const queries = Object.entries(commands as Record<string, CommandSpec>).filter(
      ([name, { args = {} }]) => name.startsWith('query-') && Object.keys(args).length === 0,
    );
    for (const [name, { returns }] of queries) {
      // This machine has neither.
      if (name === 'query-hotpluggable-cpus' || name === 'query-balloon') continue;
      const answer = (await client.execute(name)) as JsonValue;
      if (returns) checkValue(returns, answer, name);
    }
    expect(queries.length).toBeGreaterThan(20);
  });
});

describe('arguments', () => {
  // Texts read off QEMU 7.2.
  it.each([
    ['qom-get', { path: '/machine' }, "Parameter 'property' is missing"],
    ['qom-get', { path: 1, property: 'a' }, "Invalid parameter type for 'path', expected: string"],
    ['query-status', { x: 1 }, "Parameter 'x' is unexpected"],
    ['qom-list-types', { abstract: 'on' }, "Invalid parameter type for 'abstract', expected: boolean"],
    ['yank', { instances: 'a' }, "Invalid parameter type for 'instances', expected: array"],
    ['yank', { instances: [{ type: 'foo' }] }, "Parameter 'type' does not accept value 'foo'"],
    ['yank', { instances: [{ type: 'chardev' }] }, "Parameter 'instances[0].id' is missing"],
    [
      'human-monitor-command',
      { 'command-line': '', 'cpu-index': '1' },
      "Invalid parameter type for 'cpu-index', expected: integer",
    ],
    ['set-numa-node', { type: 'node', cpus: ['a'] }, "Parameter 'cpus[0]' expects uint64"],
    ['set-numa-node', { type: 'dist', src: 70000, dst: 1, val: 1 }, "Parameter 'src' expects uint16_t"],
    ['set-numa-node', { type: 'node', foo: 1 }, "Parameter 'foo' is unexpected"],
    [
      'object-add',
      { 'qom-type': 'memory-backend-foo', id: 'm' },
      "Parameter 'qom-type' does not accept value 'memory-backend-foo'",
    ],
    ['object-add', { 'qom-type': 'memory-backend-ram', id: 'm' }, "Parameter 'size' is missing"],
    ['object-add', { 'qom-type': 'memory-backend-ram', id: 'm', size: '1M' }, "Parameter 'size' expects uint64"],
    ['object-add', { 'qom-type': 'memory-backend-ram', id: 'm', size: 4096, foo: 1 }, "Parameter 'foo' is unexpected"],
  ])('of %s: %j', async (command, args, desc) => {
    const client = await QmpClient.ready(await testEmulator());
    expect(await client.fail(command, args)).toEqual({ class: 'GenericError', desc });
  });
});
