/**
 * Queries about CPU models are answered as qemu-system-s390x answers them, over all models of machine generations and all pairs of them,
 * as far as features go that are implemented. (`qemu` and `max` have more here: they are what the program has.)
 */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { FACILITY_NAMES } from '../src/cpu/facilities.ts';
import { cpuModelQueries } from '../src/cpu/model-queries.ts';
import { CPU_MODELS } from '../src/cpu/models.ts';
import { REFERENCE } from './differential/reference.ts';

const MODELS = CPU_MODELS.map(({ model }) => model).filter((model) => model !== 'qemu' && model !== 'max');
const PAIRS = MODELS.flatMap((a) => MODELS.map((b) => [a, b] as const));
const known = new Set<string>([...FACILITY_NAMES, 'type']);

interface Model {
  readonly name: string;
  readonly props?: Readonly<Record<string, boolean>>;
}

interface Answer {
  readonly model?: Model;
  readonly result?: string;
  readonly 'responsible-properties'?: readonly string[];
  readonly desc?: string;
}

/** What QEMU answers to commands of QMP, in their order. */
function ask(commands: readonly { readonly execute: string; readonly arguments: unknown }[]): Answer[] {
  const lines = [{ execute: 'qmp_capabilities' }, ...commands.map((command, id) => ({ ...command, id }))];
  const { stdout } = spawnSync('qemu-system-s390x', ['-S', '-nodefaults', '-display', 'none', '-qmp', 'stdio'], {
    input: [...lines, { execute: 'quit' }].map((line) => `${JSON.stringify(line)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { readonly id?: number; readonly return?: Answer; readonly error?: Answer })
    .filter(({ id }) => id !== undefined)
    .map((line) => line.return ?? line.error ?? {});
}

/** Features that are implemented, by name. */
function implemented({ name, props = {} }: Model): Model {
  const entries = Object.entries(props).filter(([feature]) => known.has(feature));
  return { name, props: Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))) };
}

const ours = (model: { readonly name: string; readonly props?: Readonly<Record<string, unknown>> }): Model =>
  implemented({ name: model.name, props: (model.props ?? {}) as Readonly<Record<string, boolean>> });

if (REFERENCE.version === undefined) console.warn(`CPU models skipped: ${REFERENCE.missing}`);

describe.skipIf(REFERENCE.version === undefined)('queries about CPU models', () => {
  it('expand as in QEMU', () => {
    const asked = MODELS.flatMap((name) => (['static', 'full'] as const).map((type) => ({ type, model: { name } })));
    const answers = ask(asked.map((args) => ({ execute: 'query-cpu-model-expansion', arguments: args })));
    expect(answers).toHaveLength(asked.length);
    for (const [i, { type, model }] of asked.entries()) {
      const { model: theirs = { name: '' } } = answers[i] ?? {};
      expect([model.name, type, ours(cpuModelQueries.expand(model, type === 'full'))]).toEqual([
        model.name,
        type,
        implemented(theirs),
      ]);
    }
  });

  it('compare as in QEMU', () => {
    const answers = ask(
      PAIRS.map(([a, b]) => ({
        execute: 'query-cpu-model-comparison',
        arguments: { modela: { name: a }, modelb: { name: b } },
      })),
    );
    for (const [i, [a, b]] of PAIRS.entries()) {
      const theirs = answers[i]?.['responsible-properties'] ?? [];
      const { result, responsible } = cpuModelQueries.compare({ name: a }, { name: b });
      expect([a, b, [...responsible].sort()]).toEqual([a, b, theirs.filter((name) => known.has(name)).sort()]);
      // What differs besides may be in the other's favour.
      if (answers[i]?.result !== 'incompatible') expect([a, b, result]).toEqual([a, b, answers[i]?.result]);
    }
    expect(new Set(answers.map((answer) => answer.result))).toEqual(
      new Set(['identical', 'superset', 'subset', 'incompatible']),
    );
  });

  it('find what is in common as in QEMU', () => {
    const answers = ask(
      PAIRS.map(([a, b]) => ({
        execute: 'query-cpu-model-baseline',
        arguments: { modela: { name: a }, modelb: { name: b } },
      })),
    );
    for (const [i, [a, b]] of PAIRS.entries()) {
      const { model: theirs = { name: '' } } = answers[i] ?? {};
      expect([a, b, ours(cpuModelQueries.baseline({ name: a }, { name: b }))]).toEqual([a, b, implemented(theirs)]);
    }
  });

  it('refuse as in QEMU', () => {
    const wrong = [
      { name: 'foo' },
      { name: 'z13', props: { foo: true } },
      { name: 'z13', props: { vx: 3 } },
      { name: 'z10EC', props: { vx: true } },
    ];
    const answers = ask(
      wrong.map((model) => ({ execute: 'query-cpu-model-expansion', arguments: { type: 'full', model } })),
    );
    for (const [i, model] of wrong.entries()) {
      expect(() => cpuModelQueries.expand(model, true)).toThrow(answers[i]?.desc ?? 'no answer');
    }
  });
});

describe('CPU models', () => {
  it('stand to each other by generation and features', () => {
    const result = (a: string, b: string, props = {}) =>
      cpuModelQueries.compare({ name: a, props }, { name: b }).result;
    expect(result('z13', 'z14')).toBe('subset');
    expect(result('z14', 'z13')).toBe('superset');
    expect(result('z14', 'z14')).toBe('identical');
    expect(result('z14', 'z13', { edat2: false })).toBe('incompatible');
    expect(result('qemu', 'max')).toBe('identical');
  });

  it('have in common what both have', () => {
    expect(
      cpuModelQueries.baseline({ name: 'z14', props: { vx: false } }, { name: 'z13', props: { edat2: false } }),
    ).toEqual({ name: 'z13-base', props: { edat: true, ipter: true, zpci: true, aen: true, aefsi: true } });
    // Without one of its base model's features a model comes down to an older one.
    expect(cpuModelQueries.baseline({ name: 'z13', props: { stfle49: false } }, { name: 'z14' })).toMatchObject({
      name: 'z196-base',
      props: { stfle53: true, vx: true },
    });
  });
});
