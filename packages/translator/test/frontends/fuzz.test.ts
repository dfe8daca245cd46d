/** Random code pages for each test frontend: the host never throws, and tier 1 does what tier 0 does. `BOARDWALK_LONG_RUNS=20000` programs. */
import { fuzzCode, type Random } from '@boardwalk/testing';
import type { Frontend } from '@boardwalk/translator';
import { expect, it } from 'vitest';
import { be32, boot, PORT, type TestCpu } from './harness.ts';
import { hppaish } from './hppaish.ts';
import { sparcish } from './sparcish.ts';
import { thumbish } from './thumbish.ts';
import { i, X, x86ish } from './x86ish.ts';

/** The last operation of x86ish. */
const LAST = Math.max(...Object.values(X));
/** Where traps of all four go, and the table of x86ish's and sparcish's pages: random, too. */
const CODE_BYTES = 0x8800;

const x86Any = (random: Random): readonly number[] => {
  const near = random.below(200) - 100;
  const [op, registers] = [1 + random.below(LAST), random.u32() & 0x77];
  // hlt is rare: most programs go on.
  return [
    random.below(60) === 0 ? X.hlt : op,
    registers,
    ...(random.below(2) === 0 ? i(near) : i(PORT + near)).slice(0, random.below(5)),
  ];
};

/** Any instructions, or a loop of a few that seldom fault: programs of any alone end in traps before anything runs often. */
const x86Instruction = (random: Random): readonly number[] => {
  if (random.below(3) !== 0) return x86Any(random);
  const ops = [X.mov, X.add, X.sub, X.mulHigh, X.add, X.sub, X.load, X.store];
  const body = Array.from({ length: 1 + random.below(4) }, () => [random.pick(ops), random.u32() & 0x77]).flat();
  const back = -(body.length + 10);
  return [...body, X.jz, ...i(random.pick([5, 5, back + 5])), X.jmp, ...i(back)];
};

const words =
  (last: number, halt: number) =>
  (random: Random): readonly number[] => {
    const op = 1 + random.below(last);
    const fields = random.below(2) === 0 ? random.u32() & 0xffffff : random.u32() & 0xfff01f;
    return be32(((op === halt && random.below(8) !== 0 ? 2 : op) << 24) | fields);
  };

const thumbInstruction = (random: Random): readonly number[] => {
  const op = random.below(20);
  const half = ((op === 1 && random.below(8) !== 0 ? 3 : op) << 10) | random.below(0x400);
  return [half & 255, half >>> 8];
};

interface Shape {
  readonly frontend: Frontend;
  readonly registers: RegExp;
  readonly instruction: (random: Random) => readonly number[];
}
const SHAPES: readonly Shape[] = [
  { frontend: x86ish, registers: /^e\d$/, instruction: x86Instruction },
  { frontend: sparcish(), registers: /^r\d+$/, instruction: words(24, 21) },
  { frontend: hppaish(), registers: /^g\d+$/, instruction: words(30, 1) },
  { frontend: thumbish(), registers: /^r\d+$/, instruction: thumbInstruction },
];

it.each(SHAPES.map((shape) => [shape.frontend.name, shape] as const))(
  'random code of %s',
  async (_name, { frontend, registers, instruction }) => {
    const rounds = Number(process.env.BOARDWALK_LONG_RUNS ?? 30);
    let regions = (): number => 0;
    const result = await fuzzCode({
      boot: async ({ tier1, clock }) => {
        const threshold = typeof tier1 === 'object' ? tier1.threshold : 'off';
        const { machine, cpu } = await boot(frontend, [], { tier1: threshold, ...(clock && { clock }) });
        const { engine } = cpu;
        if (threshold !== 'off') regions = () => engine.stats.tier1?.compiled ?? 0;
        return machine;
      },
      at: 0,
      bytes: CODE_BYTES * 2,
      instruction,
      registers,
      forget: (cpu) => (cpu as TestCpu).engine.cache.flush(),
      interrupt: (cpu, random) => (cpu as TestCpu).setIrqLine(0, random.oneIn(2)),
      rounds,
      seed: Number(process.env.BOARDWALK_SEED ?? 1),
    });
    expect(result.executed).toBeGreaterThan(rounds * 20);
    expect(result.stops).toBeGreaterThan(0);
    expect(regions()).toBeGreaterThan(rounds / 2);
  },
  3_600_000,
);
