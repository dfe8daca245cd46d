/** Tier 0's operations as they are written: what fuses, and what must not. */
import { COMMON, defineHelper, IrBuilder, type Slot, StateLayout, type Value } from '@boardwalk/translator';
import { describe, expect, it } from 'vitest';
import type { SoftMmu } from '../../src/softmmu/softmmu.ts';
import { BlockLowering } from '../../src/tier0/lower.ts';
import { TIER0_OPS } from '../../src/tier0/opcodes.ts';

const layout = new StateLayout();
const [x0, x1, x2] = layout.array('x', 'i64', 3);
const [w0, w1] = layout.array('w', 'i32', 2);
const f0 = layout.field('f0', 'f64');
const v0 = layout.field('v0', 'v128');
/** A record: a constant and two values behind it. */
const [kind, first, second] = [
  layout.field('kind', 'i32'),
  layout.field('first', 'i64'),
  layout.field('second', 'i64'),
];
if (!x0 || !x1 || !x2 || !w0 || !w1) throw new Error('registers');
const NAMES = new Map([x0, x1, x2, w0, w1, f0, v0, kind, first, second].map((slot) => [slot.offset, slot.name]));
const CONSTANTS = new Map(COMMON.constants.map((slot, i) => [slot.offset, `#${i - 1}`]));
const ENDS = /^(br\.|branch|goto|lookup|raise|halt)/;

/** The operations of one instruction: `name destination a b immediate`; temporaries are t0, t1 ... */
function lower(build: (b: IrBuilder) => void): string[] {
  const memory = new ArrayBuffer(65536);
  const [u16, i32] = [new Uint16Array(memory), new Int32Array(memory)];
  const mmu = { frontend: { pageBits: 12 } } as unknown as SoftMmu;
  const lowering = new BlockLowering({ memory: { u16, i32 }, mmu, wrapperOf: () => 0, pureWrapperOf: () => 0 });
  const b = new IrBuilder();
  b.insnStart(0x1000, 0);
  build(b);
  const { start, end } = lowering.lower(b.finish(), 0x1000, 1);
  const lines: string[] = [];
  for (let at = start; at < end; ) {
    const name = TIER0_OPS[u16[at / 2] ?? 0] ?? '?';
    const fields = [2, 4, 6].map((field) => place(u16[(at + field) / 2] ?? 0));
    const immediate = i32[(at + 8) / 4] ?? 0;
    lines.push([name, ...fields, ...(name.endsWith('#') || name === 'const' ? [immediate] : [])].join(' ').trim());
    at += ENDS.test(name) ? 32 : 16;
  }
  return lines.filter((line) => !/^(unlinked|lookup)/.test(line));
}

function place(offset: number): string {
  if (offset === 0) return '-';
  // No place, but a negative number.
  if (offset >= 0x8000) return `${offset - 0x1_0000}`;
  return NAMES.get(offset) ?? CONSTANTS.get(offset) ?? `t${(offset - 512) / 8}`;
}

describe('tier 0 operations', () => {
  it('computes straight from registers to a register', () => {
    expect(lower((b) => b.set(x2, b.add(b.get(x0), b.get(x1))))).toEqual(['add.i64 x2 x0 x1']);
  });

  it('takes constants as immediates, the first operand of a commutative operation too', () => {
    expect(lower((b) => b.set(x2, b.and(b.i64(0x55), b.get(x1))))).toEqual(['and.i64# x2 x1 - 85']);
    expect(lower((b) => b.set(x2, b.sub(b.i64(5), b.get(x1))))).toEqual(['sub.i64 x2 #5 x1']);
  });

  it('writes the low half of a register alone, where the high half stays', () => {
    const keep = (b: IrBuilder, low: Value) => b.set(x0, b.or(b.and(b.get(x0), b.i64x(0, -1)), low));
    expect(lower((b) => keep(b, b.extend32U(b.wrap(b.get(x1)))))).toEqual(['mov32 x0 x1 -']);
    expect(lower((b) => keep(b, b.zext(b.get(x1), 32)))).toEqual(['mov32 x0 x1 -']);
    expect(lower((b) => keep(b, b.extend32U(b.add(b.get(w0), b.get(w1)))))).toEqual(['add.i32 x0 w0 w1']);
    expect(lower((b) => keep(b, b.extend32U(b.wrap(b.load(b.get(x1), { size: 4 })))))).toEqual(['load.i32.4 x0 x1 -']);
    // Not where the register was set in between, or another's half is kept.
    const other = lower((b) => b.set(x0, b.or(b.and(b.get(x1), b.i64x(0, -1)), b.extend32U(b.get(w0)))));
    expect(other).toContain('extend32U t1 w0 -');
    const changed = lower((b) => {
      const old = b.get(x0);
      b.set(x0, b.i64(100));
      b.set(x0, b.or(b.and(old, b.i64x(0, -1)), b.extend32U(b.get(w0))));
    });
    expect(changed.join()).not.toContain('mov32');
  });

  it('sets a record at once', () => {
    const record = (make: (b: IrBuilder) => readonly Value[], n = 7) =>
      lower((b) => {
        const [x, y] = make(b);
        if (x !== undefined) b.set(first, x);
        if (y !== undefined) b.set(second, y);
        b.set(kind, b.i32(n));
      });
    expect(record((b) => [b.get(x0), b.get(x1)])).toEqual(['record.xx kind x0 x1']);
    expect(record((b) => [b.sext(b.get(x0), 32), b.zext(b.get(x1), 32)])).toEqual(['record.su kind x0 x1']);
    expect(record((b) => [b.extend32U(b.get(w0))])).toEqual(['record.u kind w0 -']);
    expect(record((b) => [b.extend32S(b.get(w0)), b.i64(-3)])[0]).toMatch(/^record\.s# kind w0 .* -3$/);
    expect(record((b) => [b.add(b.get(x0), b.get(x1))])).toEqual(['add.i64 t0 x0 x1', 'record.x kind t0 -']);
    // A constant that the operation has no room for.
    expect(record((b) => [b.get(x0), b.i64(-3)], 2 ** 20)[1]).toBe('record.xx kind x0 t0');
    // Slots in another order are no record.
    expect(lower((b) => [b.set(second, b.get(x0)), b.set(kind, b.i32(1))])).toHaveLength(2);
  });

  it('adds to the target of an indirect jump and masks it in the jump', () => {
    const jump = (target: (b: IrBuilder) => Value) => lower((b) => b.gotoIndirect(target(b)));
    expect(jump((b) => b.and(b.add(b.get(x0), b.i64(-8)), b.i64(-2)))).toEqual(['gotoIndirect -2 x0 -8']);
    expect(jump((b) => b.add(b.get(x0), b.get(x1)))[0]).toMatch(/^add\.i64/);
    expect(jump((b) => b.and(b.get(x0), b.i64(0x7fff_ffff)))[0]).toMatch(/^and\.i64#/);
  });

  it('makes a run of accesses from one base, until the base is another', () => {
    const from = (b: IrBuilder, base: Slot, at: number) => b.load(b.add(b.get(base), b.i64(at)), { size: 8 });
    const names = (build: (b: IrBuilder) => void) =>
      lower((b) => {
        build(b);
        b.goto(0x1000, 0);
      }).map((line) => line.split(' ')[0]);
    const loads = names((b) => {
      b.set(x1, from(b, x0, 16));
      b.set(x0, from(b, x0, 8));
      b.set(x1, from(b, x0, 0));
      b.set(x2, from(b, x0, -8));
    });
    expect(loads).toEqual(['run.load.i64.8', 'load.i64.8', 'run.load.i64.8', 'load.i64.8', 'goto']);
    const stores = names((b) => {
      b.store(b.get(x0), b.get(x1), { size: 8, endian: 'big' });
      b.store(b.add(b.get(x0), b.i64(504)), b.get(x2), { size: 8, endian: 'big' });
      // Too far, from another base, of another size.
      b.store(b.add(b.get(x0), b.i64(512)), b.get(x2), { size: 8, endian: 'big' });
      b.store(b.get(x1), b.get(x2), { size: 8, endian: 'big' });
      b.store(b.get(x1), b.get(x2), { size: 4, endian: 'big' });
    });
    const single = 'store.i64.8.big';
    expect(stores).toEqual([`run.${single}`, single, single, single, 'store.i64.4.big', 'goto']);
  });

  it('computes a value with several uses into the register that it is set to', () => {
    const sum = (b: IrBuilder) => b.add(b.get(x0), b.get(x1));
    const both = (b: IrBuilder) => {
      const value = sum(b);
      b.set(x2, value);
      b.set(w0, b.wrap(value));
    };
    expect(lower(both)).toEqual(['add.i64 x2 x0 x1', 'mov32 w0 x2 -']);
    const later = (b: IrBuilder) => {
      const value = sum(b);
      b.set(x2, value);
      b.set(x2, b.i64(7));
      b.set(x1, value);
    };
    expect(lower(later)[0]).toBe('add.i64 t0 x0 x1');
  });

  it('fuses a sign extension with 32-bit arithmetic', () => {
    expect(lower((b) => b.set(x2, b.sext(b.add(b.get(x0), b.get(x1)), 32)))).toEqual(['add32s x2 x0 x1']);
    expect(lower((b) => b.set(x2, b.sext(b.shl(b.get(x0), b.i64(31)), 32)))).toEqual(['shl32s# x2 x0 - 31']);
    expect(lower((b) => b.set(x2, b.extend32S(b.shr(b.wrap(b.get(x0)), b.i32(3)))))).toEqual(['shr32s# x2 x0 - 3']);
  });

  it('does not take a 64-bit shift by 32 or more, or by a register, for a 32-bit one', () => {
    const by = (n: number) => lower((b) => b.set(x2, b.sext(b.shl(b.get(x0), b.i64(n)), 32)));
    expect(by(32)).toEqual(['shl.i64# t0 x0 - 32', 'sext32.i64 x2 t0 -']);
    expect(lower((b) => b.set(x2, b.sext(b.shl(b.get(x0), b.get(x1)), 32)))).toEqual([
      'shl.i64 t0 x0 x1',
      'sext32.i64 x2 t0 -',
    ]);
    expect(lower((b) => b.set(x2, b.sext(b.shr(b.get(x0), b.i64(1)), 32)))).toEqual([
      'shr.i64# t0 x0 - 1',
      'sext32.i64 x2 t0 -',
    ]);
  });

  it('does not compute a sum twice that is needed both whole and extended', () => {
    const code = lower((b) => {
      const sum = b.add(b.get(x0), b.get(x1));
      b.set(x2, b.sext(sum, 32));
      b.set(x0, sum);
    });
    expect(code).toEqual(['add.i64 t0 x0 x1', 'sext32.i64 x2 t0 -', 'mov64 x0 t0 -']);
  });

  it('widens a comparison for nothing, and narrows it into a 32-bit register by a move', () => {
    expect(lower((b) => b.set(x2, b.extend32U(b.ltU(b.get(x0), b.get(x1)))))).toEqual([
      'ltU.i64 t0 x0 x1',
      'mov64 x2 t0 -',
    ]);
    expect(lower((b) => b.set(w0, b.ltU(b.get(x0), b.get(x1))))).toEqual(['ltU.i64 t0 x0 x1', 'mov32 w0 t0 -']);
  });

  it('does not write 64 bits of a constant into a 32-bit register', () => {
    expect(lower((b) => b.set(w0, b.i32(1000)))).toEqual(['const t0 - - 1000', 'mov32 w0 t0 -']);
  });

  it('keeps the old value of a register that changes before its use', () => {
    const swap = lower((b) => {
      const [first, second] = [b.get(x0), b.get(x1)];
      b.set(x0, second);
      b.set(x1, first);
    });
    expect(swap).toEqual(['mov64 t0 x0 -', 'mov64 x0 x1 -', 'mov64 x1 t0 -']);
    const touch = defineHelper('touch', [], undefined, (b) => b.set(x0, b.i64(1)));
    const called = lower((b) => {
      const old = b.get(x0);
      b.call(touch);
      b.set(x1, old);
    });
    expect(called[0]).toBe('mov64 t0 x0 -');
  });

  it('keeps a value from before nested loops to the last round of the outer one', () => {
    const code = lower((b) => {
      const kept = b.get(x0);
      b.loop((leaveOuter) => {
        b.loop((leaveInner) => {
          b.set(x1, b.add(b.get(x1), kept));
          leaveInner(b.get(w0));
        });
        b.set(x0, b.i64(7));
        leaveOuter(b.get(w1));
      });
    });
    expect(code[0]).toBe('mov64 t0 x0 -');
  });

  it('adds displacements to the address of an access, fitting ones only', () => {
    const load = (n: number) => lower((b) => b.set(x2, b.load(b.add(b.get(x0), b.i64(n)), { size: 8 })));
    expect(load(-8)).toEqual(['load.i64.8 x2 x0 -']);
    expect(load(2 ** 31)).toEqual(['add.i64# t0 x0 - -2147483648', 'load.i64.8 x2 t0 -']);
  });

  it('fuses a comparison with the branch on it', () => {
    expect(lower((b) => b.gotoIf(b.ltS(b.get(x0), b.i64(9)), 0x1008, 0, 0x1004, 0))).toEqual(['br.ltS.i64# - x0 - 9']);
    expect(lower((b) => b.gotoIf(b.eqz(b.get(w0)), 0x1008, 0, 0x1004, 0))).toEqual(['br.eqz.i32 - w0 -']);
  });

  it('begins a local that is given no value as zero', () => {
    expect(lower((b) => b.set(x0, b.getLocal(b.local('i64'))))).toEqual(['const t0 - - 0', 'mov64 x0 t0 -']);
    expect(lower((b) => b.set(v0, b.getLocal(b.local('v128'))))).toEqual([
      'const t0 - - 0',
      'const t1 - - 0',
      'mov128 v0 t0 -',
    ]);
    expect(lower((b) => b.set(x0, b.getLocal(b.local('i64', b.get(x1)))))).toEqual(['mov64 t0 x1 -', 'mov64 x0 t0 -']);
  });
});
