/** Test-only frontend whose instructions are emission functions: the word `n` in memory runs the n-th and halts. */
import { defineHelper, type Frontend, type IrBuilder } from '@boardwalk/translator';
import type { TestMachine } from '../frontends/harness.ts';
import { layout } from './program.ts';

const { pc, walkPa, walkBits, excCode } = layout.common;
const emissions: ((b: IrBuilder) => void)[] = [];

/** Virtual pages from here on are physical pages from 0 on, in another order; every eighth is not there. */
export const MAPPED = 0x1_0000_0000;
const SCATTER = 37;
export const MAPPED_PAGES = 64;
export const physicalPage = (page: number): number => 256 + ((page * SCATTER) % MAPPED_PAGES);
export const missing = (page: number): boolean => page % 8 === 7;
export const EXCEPTION = { walk: 6, misalignedLoad: 4, misalignedStore: 5, busLoad: 1, busStore: 2 } as const;

export const programs: Frontend = {
  name: 'programs',
  endian: 'little',
  pageBits: 12,
  mmuModes: 1,
  state: layout,
  exceptions: { busFetch: 3, ...EXCEPTION },
  translateInsn(b, c) {
    emissions[c.fetch32(0)]?.(b);
    b.set(pc, b.i64(c.pcLo + 4));
    b.halt();
    c.length = 4;
    c.ended = true;
  },
  fetchMmu: (b) => b.i32(0),
  walk: defineHelper('walk', ['i64', 'i32', 'i32'], 'i32', (b, va) => {
    b.set(walkBits, b.i32(12));
    b.set(walkPa, va);
    b.if(b.geU(va, b.i64(MAPPED)), () => {
      const page = b.extract(b.wrap(va), 12, 20);
      b.if(b.eq(b.and(page, b.i32(7)), b.i32(7)), () => {
        b.set(excCode, b.i32(EXCEPTION.walk));
        b.return_(b.i32(1));
      });
      const to = b.add(b.remU(b.mul(page, b.i32(SCATTER)), b.i32(MAPPED_PAGES)), b.i32(256));
      b.set(walkPa, b.extend32U(b.shl(to, b.i32(12))));
    });
    return b.i32(0);
  }),
  raise: defineHelper('raise', [], undefined, (b) => b.set(layout.common.halted, b.i32(1))),
  serviceInterrupt: defineHelper('service', [], 'i32', (b) => b.i32(0)),
  disassemble: () => ({ text: 'program', length: 4 }),
};

/** Runs what is emitted as one instruction; gives the exception it raised, 0 if none. */
export function execute(m: TestMachine, emission: (b: IrBuilder) => void): number {
  const index = emissions.push(emission) - 1;
  const at = (index % 1024) * 4;
  m.put(at, [index & 255, (index >> 8) & 255, index >> 16, 0]);
  m.cpu.setRegister(excCode, 0n);
  m.cpu.pc = BigInt(at);
  m.cpu.halted = false;
  m.run(1000);
  return Number(m.cpu.register(excCode));
}
