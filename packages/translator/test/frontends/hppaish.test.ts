import { afterEach, describe, expect, it } from 'vitest';
import { be32, boot, type TestMachine } from './harness.ts';
import { H, hppaish, NO_PAGE, TRAP, VECTOR } from './hppaish.ts';

let m: TestMachine | undefined;
afterEach(() => m?.dispose());

function f64(value: number): bigint {
  return new BigUint64Array(new Float64Array([value]).buffer)[0] ?? 0n;
}
function f32(value: number): bigint {
  return BigInt(new Uint32Array(new Float32Array([value]).buffer)[0] ?? 0);
}

describe.each([64, 1, 2, 3])('a frontend in the shape of PA-RISC, blocks of %i instructions', (longest) => {
  async function start(program: number[][], registers: Record<string, bigint | number> = {}): Promise<TestMachine> {
    m = await boot(hppaish(longest), program.flat());
    m.put(VECTOR, H.halt());
    for (const [name, value] of Object.entries(registers)) m.setReg(name, value);
    return m;
  }
  async function run(...args: Parameters<typeof start>): Promise<TestMachine> {
    const t = await start(...args);
    t.run();
    return t;
  }
  const trap = (t: TestMachine): bigint[] => [t.reg('icode'), t.reg('ipc')];

  it('nullifies the next instruction, whatever it is, and only that one', async () => {
    const program = [
      H.addZ(1, 2),
      H.ldi(3, 0, 5),
      H.addZ(1, 2),
      H.branch(0, 0, 1),
      H.ldi(4, 0, 6),
      H.ldi(5, 0, 7),
      H.halt(),
    ];
    const zero = await run(program, { g1: -1, g2: 1 });
    expect(['g1', 'g3', 'g4', 'g5'].map((n) => zero.reg(n))).toEqual([1n, 0n, 0n, 7n]);
    expect(zero.cpu.instructionCount).toBe(6n);
    await zero.dispose();
    const skipped = await run(program, { g1: -2, g2: 1 });
    expect(['g1', 'g3', 'g4', 'g5'].map((n) => skipped.reg(n))).toEqual([0n, 5n, 6n, 7n]);
  });

  it('nullifies an instruction that would nullify, and one that would fault', async () => {
    const t = await run([H.addZ(1, 1), H.addZ(2, 2), H.addZ(3, 3), H.ldw(4, 5, 2), H.halt()], {
      g3: 0x8000_0000,
      g5: 0,
    });
    expect([t.reg('g3'), t.reg('icode')]).toEqual([0n, 0n]);
  });

  it('remembers over an interrupt that the next instruction is nullified', async () => {
    for (const [g1, g3] of [
      [0, 0n],
      [1, 5n],
    ] as const) {
      const t = await start([H.addZ(1, 2), H.ldi(3, 0, 5), H.halt()], { g1 });
      t.put(VECTOR, H.rfi());
      t.cpu.exactBudget = true;
      expect(t.cpu.execute(1)).toBe(1);
      t.cpu.setIrqLine(0, true);
      t.run();
      expect([t.reg('icode'), t.reg('ipc'), t.reg('g3')]).toEqual([4n, 4n, g3]);
      await t.dispose();
    }
  });

  it('leaves the mode alone for an instruction that lies on two pages and waits for a block of its own', async () => {
    const t = await start([]);
    t.put(0xffa, [H.ldi(1, 0, 3), H.addZ(2, 3), H.ldi(4, 0, 5), H.halt()].flat());
    const { mode } = t.cpu.frontend.state.common;
    t.cpu.pc = 0xffan;
    expect(t.cpu.execute(0)).toBe(1);
    expect([t.cpu.pc, t.cpu.register(mode)]).toEqual([0xffen, 0n]);
    t.run();
    expect([t.reg('g1'), t.reg('g4')]).toEqual([3n, 0n]);
  });

  it('restarts an instruction that was not nullified and faulted', async () => {
    const t = await run([H.addZ(1, 2), H.ldw(3, 4, 0), H.halt()], { g1: 1, sr2: 0x100, g4: 16 });
    expect([...trap(t), t.reg('inullify'), t.reg('ivalue')]).toEqual([15n, 4n, 0n, 0x100_0000_0010n]);
    t.setReg('sr2', 0);
    t.put(16, be32(99));
    t.put(VECTOR, H.rfi());
    t.cpu.pc = BigInt(VECTOR);
    t.cpu.halted = false;
    t.run();
    expect(t.reg('g3')).toBe(99n);
  });

  it('adds the space to addresses', async () => {
    const t = await run([H.mtsp(2, 1), H.ldw(3, 2, 4), H.stw(3, 2, 8), H.halt()], { g1: 3, g2: 0x100 });
    expect([t.reg('g3'), t.bytes(0x3_0108, 4)]).toEqual([0n, [0, 0, 0, 0]]);
    t.put(0x3_0104, be32(0x01020304));
    t.cpu.pc = 4n;
    t.cpu.halted = false;
    t.run();
    expect(t.bytes(0x3_0108, 4)).toEqual([1, 2, 3, 4]);
  });

  it('changes the base of a load and store only if they succeed', async () => {
    const good = await run([H.ldwm(1, 2, 4), H.stwm(1, 2, 4), H.ldwm(3, 3, 4), H.halt()], { g2: 0x100, g3: 0x100 });
    expect([good.reg('g2'), good.reg('g3')]).toEqual([0x108n, 0n]);
    await good.dispose();
    for (const op of [H.ldwm, H.stwm]) {
      const t = await run([op(1, 2, 4), H.halt()], { g1: 7, g2: 0x100, sr2: 0x100 });
      expect([...trap(t), t.reg('g1'), t.reg('g2')]).toEqual([15n, 0n, 7n, 0x100n]);
      await t.dispose();
    }
    const bus = await run([H.stwm(1, 2, 4), H.halt()], { g1: 7, g2: 0x7000_0000 });
    expect([...trap(bus), bus.reg('g2')]).toEqual([1n, 0n, 0x7000_0000n]);
  });

  it('loads and stores pairs, shifts them, deposits and extracts fields', async () => {
    const t = await start(
      [
        H.ldd(2, 1, 0),
        H.shrp(2, 0, 20),
        H.std(2, 1, 8),
        H.extru(4, 3, (8 << 8) | 12),
        H.extrs(5, 3, (8 << 8) | 12),
        H.dep(6, 3, (16 << 8) | 8),
        H.halt(),
      ],
      { g1: 0x100, g6: -1 },
    );
    t.put(0x100, [...be32(0x12345678), ...be32(0x9abc_def0)]);
    t.run();
    expect(['g2', 'g4', 'g5', 'g6'].map((n) => t.reg(n))).toEqual([0x4567_89abn, 0xcden, 0xffff_fcden, 0xfff0_ffffn]);
    expect(t.bytes(0x108, 8)).toEqual([...be32(0x456789ab), ...be32(0x9abcdef0)]);
  });

  it('traps on overflow and on conditions, with nothing changed', async () => {
    const over = await run([H.ldi(3, 0, 1), H.addO(1, 2), H.halt()], { g1: 0x7fff_ffff, g2: 1 });
    expect([...trap(over), over.reg('g1'), over.reg('ivalue')]).toEqual([
      12n,
      4n,
      0x7fff_ffffn,
      0xffff_ffff_8000_0000n,
    ]);
    expect(over.cpu.instructionCount).toBe(2n);
    await over.dispose();
    const condition = await run([H.trapGe(1, 2), H.trapGe(2, 1), H.halt()], { g1: 1, g2: -1 });
    expect(trap(condition)).toEqual([BigInt(TRAP.conditional), 4n]);
  });

  it('raises in an instruction that came through nullification with its own mode', async () => {
    const t = await run([H.addZ(1, 2), H.addO(3, 3), H.halt()], { g1: 1, g3: 0x7fff_ffff });
    expect([...trap(t), t.reg('imode'), t.reg('inullify')]).toEqual([12n, 4n, 1n, 0n]);
  });

  it('computes with floats in their slots', async () => {
    const t = await start(
      [
        H.fldd(0, 1, 0),
        H.fd(0, 1, 2),
        H.fd(1, 2, 3),
        H.fcnv(3, 0),
        H.fs(0, 1, 0),
        H.fsqrt(2, 4),
        H.fblt(0, 2, 1),
        H.ldi(5, 0, 1),
        H.halt(),
      ],
      {
        g1: 0x100,
        g4: 16,
        d1: f64(-2.5),
        d2: f64(0.5),
        s0: f32(0.1),
        s1: f32(0.2),
      },
    );
    t.put(0x100, [...be32(0x40090000), ...be32(0)]);
    t.run();
    expect([t.reg('d0'), t.reg('d1'), t.reg('d2')]).toEqual([f64(-7.8125), f64(-5), f64(4)]);
    expect([t.reg('s3'), t.reg('g3'), t.reg('s0')]).toEqual([
      f32(-7.8125),
      0xffff_fff9n,
      f32(Math.fround(0.1) + Math.fround(0.2)),
    ]);
    expect(t.reg('g5')).toBe(0n);
  });

  it('adds, shuffles, loads and stores vectors of any length', async () => {
    const bytes = Array.from({ length: 16 }, (_, i) => i + 1);
    const t = await start([H.vload(0, 1, 3), H.vadd(2, 4, 2), H.vswizzle(0, 1), H.vstore(0, 1, 40), H.halt()], {
      g1: 0xff0,
      v1: 0x80ff_0001_0203_0405_0607_0809_0a0b_0c0dn,
      v2: 0xffff_ffff_0000_0001_8000_0000_7fff_ffffn,
      v3: 1n,
      v4: 0x0000_0001_0000_0001_8000_0000_0000_0001n,
      v5: 0xffff_ffffn,
    });
    t.put(0xff3, bytes);
    t.run();
    expect(t.reg('v2')).toBe(0x0000_0000_0000_0002_0000_0000_8000_0000n);
    expect(t.reg('v3')).toBe(0n);
    const shuffled = [14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0];
    expect(t.bytes(0x1018, 16)).toEqual(shuffled);
  });

  it('stores nothing of a vector whose second page is missing', async () => {
    const t = await run([H.vstore(0, 1, 0), H.halt()], { g1: NO_PAGE - 8, v0: -1n });
    expect([...trap(t), t.reg('ivalue')]).toEqual([15n, 0n, BigInt(NO_PAGE)]);
    expect(t.bytes(NO_PAGE - 8, 8)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });
});
