/** Random x86ish programs, which patch themselves, fault and talk to the port. */
import fc from 'fast-check';
import { PORT, type TestMachine } from './harness.ts';
import { i, X, x86ish } from './x86ish.ts';

const register = fc.nat(7);
const small = fc.oneof(
  fc.integer({ min: -24, max: 24 }),
  fc.constantFrom(0x1ffffe, PORT, PORT + 0x80, 0xffe, 0x10, 0x40),
);
const two = (op: number) => fc.tuple(register, register).map(([d, s]) => [op, (d << 4) | s]);
const wide = (op: number, n: fc.Arbitrary<number>) => fc.tuple(register, n).map(([d, k]) => [op, d << 4, ...i(k)]);
const instruction = fc.oneof(
  { weight: 4, arbitrary: wide(X.movImm, small) },
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(X.mov, X.add, X.sub, X.load, X.store, X.cmpxchg, X.mulHigh, X.divU, X.push, X.pop)
      .chain(two),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        X.movdquLoad,
        X.movdquStore,
        X.movdqaLoad,
        X.movdqaStore,
        X.movbeLoad,
        X.movbeStore,
        X.cmpxchg16b,
        X.xchg16b,
      )
      .chain(two),
  },
  { weight: 2, arbitrary: wide(X.storeImm8, fc.nat(255)) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(X.jmp, X.jz, X.jc, X.call, X.fpush)
      .chain((op) => fc.integer({ min: -40, max: 40 }).map((n) => [op, ...i(n)])),
  },
  { weight: 1, arbitrary: fc.constantFrom(X.repMovsb, X.movsd, X.int, X.iret, X.ret, X.sti, X.nop).map((op) => [op]) },
  { weight: 1, arbitrary: register.map((d) => [X.fpop, d << 4]) },
);
export const program = fc.array(instruction, { minLength: 4, maxLength: 60, size: 'max' }).map((list) => list.flat());

/** All that a program leaves. */
export function end(m: TestMachine): string {
  const registers = x86ish.state.fields.map((f) => `${f.slot.name}=${m.cpu.register(f.slot).toString(16)}`);
  const { pc, mode, insnCount } = x86ish.state.common;
  const common = [pc, mode, insnCount].map((s) => `${s.name}=${m.cpu.register(s).toString(16)}`);
  return [...common, `halted=${m.cpu.halted}`, ...registers, m.writes.join(), m.bytes(0, 0x2000).join('')].join(' ');
}

/** Puts a program at physical address 0, to run from an address. */
export function load(m: TestMachine, code: readonly number[], address: number): void {
  m.machine.addressSpace.writeBytes(0, new Uint8Array(0x2000));
  m.cpu.resetHold();
  m.cpu.setRegister(x86ish.state.common.pc, BigInt(address));
  m.cpu.setRegister(x86ish.state.common.mode, 0n);
  m.writes.length = 0;
  m.put(0, code);
  m.put(0x1000, [X.iret]);
  m.setReg('e4', 0x1800);
  m.cpu.exactBudget = true;
}

/** Executes so many instructions, or fewer where the program halts, in slices of these sizes. */
export function execute(m: TestMachine, instructions: number, slices: readonly number[]): void {
  let left = instructions;
  for (const slice of slices) left -= m.cpu.halted ? 0 : m.cpu.execute(Math.min(slice, left));
  for (let tries = 0; left > 0 && !m.cpu.halted && tries < 2000; tries++)
    left -= m.cpu.execute(Math.min(slices[1] ?? 1, left));
}
