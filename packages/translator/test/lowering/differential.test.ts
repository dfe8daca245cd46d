/** The two lowerings of the IR, tier 0's operations and WebAssembly functions, must mean the same. */
import { compileHelpers, defineHelper, IrBuilder, parseIr, printIr, type Slot } from '@boardwalk/translator';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { boot, type TestMachine } from '../frontends/harness.ts';
import { emit, HELPERS, program, REGISTERS, type Step } from './program.ts';
import { execute, programs } from './programs.ts';

const SLOTS: readonly Slot[] = Object.values(REGISTERS).flat();
let m: TestMachine;
let other: number;
beforeAll(async () => {
  m = await boot(programs, []);
  other = m.machine.space.reserve(65536);
});
afterAll(() => m.dispose());

const WIDTH = { i32: 4, f32: 4, i64: 8, f64: 8, v128: 16 } as const;

/** The registers as text; every NaN is one. */
function registers(base: number): string[] {
  const { u8, view } = m.machine.space;
  return SLOTS.map((slot) => {
    const at = base + slot.offset;
    if (slot.ty === 'f32') return `${slot.name}=${view.getFloat32(at, true)}`;
    if (slot.ty === 'f64') return `${slot.name}=${view.getFloat64(at, true)}`;
    return `${slot.name}=${[...u8.slice(at, at + WIDTH[slot.ty])].map((x) => x.toString(16).padStart(2, '0')).join('')}`;
  });
}

function fill(base: number, seed: Uint8Array): void {
  let at = 0;
  for (const slot of SLOTS) {
    for (let i = 0; i < WIDTH[slot.ty]; i++) m.machine.space.u8[base + slot.offset + i] = seed[at++ % seed.length] ?? 0;
  }
}

function compare(steps: readonly Step[], seed: Uint8Array): void {
  const body = (b: IrBuilder): void => emit(b, steps);
  fill(m.cpu.base, seed);
  execute(m, body);
  fill(other, seed);
  const helper = defineHelper('program', [], undefined, body);
  const before = registers(other);
  const { memory, indexBits } = m.machine.space;
  compileHelpers(memory, [helper], new Map(), indexBits).program?.(other);
  const [block, wasm] = [registers(m.cpu.base), registers(other)];
  if (block.join() !== wasm.join()) {
    throw new Error(`from ${before.join(' ')}\n${printIr(helper.body().statements)}\n${diff(block, wasm)}`);
  }
}

function diff(block: string[], wasm: string[]): string {
  return block.flatMap((text, i) => (text === wasm[i] ? [] : [`tier 0: ${text} wasm: ${wasm[i]}`])).join('\n');
}

const seed = fc.oneof(
  fc.uint8Array({ minLength: 160, maxLength: 160 }),
  fc.array(fc.constantFrom(0, 255, 0x80, 0x7f, 1), { minLength: 160, maxLength: 160 }).map((a) => Uint8Array.from(a)),
);

it('prints random programs so that they can be read back', () => {
  const names = { slots: SLOTS, helpers: HELPERS };
  const roundTrip = (steps: readonly Step[]): void => {
    const b = new IrBuilder();
    emit(b, steps);
    const text = printIr(b.finish());
    expect(printIr(parseIr(text, names))).toBe(text);
  };
  fc.assert(fc.property(program, roundTrip), { numRuns: 200 });
});

it('runs random programs alike in tier 0 and as functions', () => {
  const runs = Number(process.env.BOARDWALK_LONG_RUNS ?? 1000);
  fc.assert(fc.property(program, seed, compare), { numRuns: runs });
});
