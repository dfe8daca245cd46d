import { ATTR_SECURE, ATTR_USER, MEM_DECODE_ERROR, MEM_ERROR, withRequester } from '@boardwalk/core';
import { defineHelper } from '@boardwalk/translator';
import { afterEach, describe, expect, it } from 'vitest';
import { boot, PORT, RAM_BYTES, type TestMachine } from './harness.ts';
import { i, X, x86ish } from './x86ish.ts';

let m: TestMachine | undefined;
afterEach(() => m?.dispose());

const r = (d: number, s = 0): number => (d << 4) | s;

const run = (program: number[], o?: Parameters<typeof boot>[2]): Promise<TestMachine> => runAt(false, program, o);

async function runAt(slides: boolean, program: number[], o: Parameters<typeof boot>[2] = {}): Promise<TestMachine> {
  m = await boot(x86ish, program, o);
  m.cpu.engine.slidesAlways = slides;
  m.put(0x1000, [X.hlt]);
  m.run();
  return m;
}

describe.each([false, true])('a frontend in the shape of x86, blocks for all addresses: %s', (slides) => {
  const run = (program: number[], o?: Parameters<typeof boot>[2]) => runAt(slides, program, o);

  it('computes condition codes only where they are used', async () => {
    const t = await run([
      X.movImm,
      r(0),
      ...i(-1),
      X.movImm,
      r(1),
      ...i(1),
      X.add,
      r(0, 1),
      X.jc,
      ...i(6),
      X.movImm,
      r(2),
      ...i(7),
      X.jz,
      ...i(6),
      X.movImm,
      r(3),
      ...i(7),
      X.hlt,
    ]);
    expect([t.reg('e0'), t.reg('e2'), t.reg('e3')]).toEqual([0n, 0n, 0n]);
  });

  it('loads and stores across a page, byte for byte', async () => {
    const t = await run([
      X.movImm,
      r(0),
      ...i(0x11223344),
      X.movImm,
      r(1),
      ...i(0x4ffe),
      X.store,
      r(1, 0),
      X.load,
      r(2, 1),
      X.hlt,
    ]);
    expect(t.reg('e2')).toBe(0x11223344n);
    expect(t.bytes(0x4ffe, 4)).toEqual([0x44, 0x33, 0x22, 0x11]);
  });

  it('leaves nothing behind when the second page of a store faults', async () => {
    const t = await run([X.movImm, r(0), ...i(-1), X.movImm, r(1), ...i(0x1ffffe), X.store, r(1, 0), X.hlt]);
    expect(t.bytes(0x1ffffe, 2)).toEqual([0, 0]);
    expect([t.reg('savedCode'), t.reg('savedValue'), t.reg('savedPc')]).toEqual([14n, 0x200000n, 12n]);
  });

  it('runs code that a store has just changed, in the same block too', async () => {
    const patched = 18;
    const t = await run([
      X.movImm,
      r(1),
      ...i(patched + 2),
      X.storeImm8,
      r(1),
      ...i(99),
      X.movImm,
      r(3),
      ...i(5),
      X.movImm,
      r(2),
      ...i(1),
      X.hlt,
    ]);
    expect(t.reg('e2')).toBe(99n);
    expect(t.reg('e3')).toBe(5n);
    expect(t.cpu.instructionCount).toBe(5n);
  });

  it('keeps a loop right that patches its own immediate every time round', async () => {
    // loop: mov e2, N; add e5, e2; sub e0, e1; jz out; store8 [e3], e0-as-imm ... N stays 1 then 9
    const loop = 24;
    const program = [
      X.movImm,
      r(0),
      ...i(200),
      X.movImm,
      r(1),
      ...i(1),
      X.movImm,
      r(3),
      ...i(loop + 2),
      X.movImm,
      r(5),
      ...i(0),
      X.movImm,
      r(2),
      ...i(1),
      X.add,
      r(5, 2),
      X.store,
      r(3, 0),
      X.sub,
      r(0, 1),
      X.jz,
      ...i(5),
      X.jmp,
      ...i(-22),
      X.hlt,
    ];
    const t = await run(program);
    let sum = 1;
    for (let n = 200; n > 1; n--) sum += n;
    expect(t.reg('e5')).toBe(BigInt(sum));
  });

  it('repeats an interruptible string move from where it was', async () => {
    const t = await run([
      X.movImm,
      r(6),
      ...i(0x100),
      X.movImm,
      r(7),
      ...i(0x1ffffc),
      X.movImm,
      r(1),
      ...i(8),
      X.repMovsb,
      X.hlt,
    ]);
    expect([t.reg('e1'), t.reg('e6'), t.reg('e7')]).toEqual([4n, 0x104n, 0x200000n]);
    expect(t.reg('savedPc')).toBe(18n);
  });

  it('probes the destination before a move from memory to memory changes anything', async () => {
    const t = await run([X.movImm, r(6), ...i(0x100), X.movImm, r(7), ...i(0x1ffffe), X.movsd, X.hlt]);
    expect([t.reg('e6'), t.reg('e7'), t.reg('savedCode')]).toEqual([0x100n, 0x1ffffen, 14n]);
  });

  it('changes nothing before it finds that a move writes over its own code with another byte than the first', async () => {
    // The move lies at 20; it writes 18 to 21.
    const to = 18;
    const u = await run([
      X.movImm,
      r(6),
      ...i(0x100),
      X.movImm,
      r(7),
      ...i(to),
      X.jmp,
      ...i(3),
      X.nop,
      X.nop,
      X.nop,
      X.movsd,
      X.hlt,
    ]);
    expect([u.reg('e6'), u.reg('e7')]).toEqual([0x104n, BigInt(to + 4)]);
  });

  it('keeps the top of the register stack in the mode word', async () => {
    const t = await run([
      X.fpush,
      ...i(1),
      X.fpush,
      ...i(2),
      X.fpush,
      ...i(3),
      X.fpop,
      r(0),
      X.fpop,
      r(1),
      X.fpop,
      r(2),
      X.hlt,
    ]);
    expect([t.reg('e0'), t.reg('e1'), t.reg('e2')]).toEqual([3n, 2n, 1n]);
  });

  it('calls, returns, and returns to what a callee put on the stack', async () => {
    const t = await run([
      X.movImm,
      r(4),
      ...i(0x8000),
      X.call,
      ...i(7),
      X.movImm,
      r(0),
      ...i(1),
      X.hlt,
      X.movImm,
      r(2),
      ...i(5),
      X.ret,
    ]);
    expect([t.reg('e0'), t.reg('e2'), t.reg('e4')]).toEqual([1n, 5n, 0x8000n]);
  });

  it('raises in the middle of an instruction with the address of that instruction', async () => {
    const t = await run([X.movImm, r(0), ...i(9), X.divU, r(0, 1), X.hlt]);
    expect([t.reg('savedCode'), t.reg('savedPc'), t.reg('e0')]).toEqual([0n, 6n, 9n]);
    expect(t.cpu.instructionCount).toBe(2n);
  });

  it('sees an interrupt that a device raises during a store, at the end of the block', async () => {
    const t = await run(
      [
        X.sti,
        X.movImm,
        r(1),
        ...i(PORT),
        X.store,
        r(1, 0),
        X.movImm,
        r(2),
        ...i(1),
        X.jmp,
        ...i(0),
        X.movImm,
        r(3),
        ...i(1),
        X.hlt,
      ],
      {
        onPortWrite: (machine) =>
          (machine.cpus[0] as unknown as { setIrqLine(n: number, l: boolean): void }).setIrqLine(0, true),
      },
    );
    expect(t.writes).toEqual(['0:4=0']);
    expect([t.reg('e2'), t.reg('e3'), t.reg('savedCode')]).toEqual([1n, 0n, 32n]);
  });

  it('reports device errors as bus errors and jumps into nothing as fetch errors', async () => {
    const load = await run([X.movImm, r(1), ...i(PORT + 0x80), X.load, r(0, 1), X.hlt]);
    expect([load.reg('savedCode'), load.reg('savedValue')]).toEqual([20n, BigInt(PORT + 0x80)]);
    await load.dispose();
    const jump = await run([X.jmp, ...i(0x6000_0000)]);
    expect([jump.reg('savedCode'), jump.reg('savedPc')]).toEqual([22n, 0x6000_0005n]);
  });

  it('translates an instruction that lies on two pages, and again when either is written', async () => {
    m = await boot(x86ish, [X.jmp, ...i(0x2ffd - 5)]);
    m.put(0x2ffd, [X.movImm, r(2), ...i(0x01020304), X.hlt]);
    m.run();
    expect(m.reg('e2')).toBe(0x01020304n);
    m.put(0x3002, [9]);
    m.cpu.pc = 0x2ffdn;
    m.cpu.halted = false;
    m.run();
    expect(m.reg('e2')).toBe(0x09020304n);
  });

  it('exchanges atomically', async () => {
    const t = await run([
      X.movImm,
      r(1),
      ...i(0x5000),
      X.movImm,
      r(2),
      ...i(7),
      X.cmpxchg,
      r(1, 2),
      X.cmpxchg,
      r(1, 1),
      X.jz,
      ...i(6),
      X.movImm,
      r(3),
      ...i(1),
      X.hlt,
    ]);
    expect(t.bytes(0x5000, 4)).toEqual([7, 0, 0, 0]);
    expect([t.reg('e0'), t.reg('e3')]).toEqual([7n, 1n]);
  });
});

describe('the second word of what translation takes for constant', () => {
  /** e0 = the base of the code segment, at 0x400; then back to where e5 says. */
  const FUNCTION = [X.getcs, r(0), X.add, r(6, 0), X.ret];
  const call = (at: number): number[] => [X.call, ...i(0x400 - at - 5)];

  it('keeps apart the blocks of one address, by links, jump cache and hash', async () => {
    // A loop that calls the function in two segments by turns: it finds them by every way there is.
    const program = [X.movImm, r(4), ...i(0x8000), X.movImm, r(1), ...i(200), X.movImm, r(2), ...i(1)];
    const top = program.length;
    program.push(X.ljmp, ...i(0x10));
    program.push(...call(program.length), X.ljmp, ...i(0x2000));
    program.push(...call(program.length), X.sub, r(1, 2), X.jz, ...i(5));
    program.push(X.jmp, ...i(top - program.length - 5), X.hlt);
    m = await boot(x86ish, program);
    m.put(0x400, FUNCTION);
    m.run();
    expect(m.reg('e6')).toBe(200n * (0x10n + 7n + 0x2000n + 7n));
    expect(m.reg('e0')).toBe(0x2007n);
  });

  it('tells high halves apart as well, and is in snapshots', async () => {
    m = await boot(x86ish, [X.getcs, r(0), X.hlt]);
    const t = m;
    const runWith = (extra: bigint): bigint => {
      t.cpu.setRegister(x86ish.state.common.extra, extra);
      t.cpu.pc = 0n;
      t.cpu.halted = false;
      t.run();
      return t.reg('e0');
    };
    expect([runWith(5n), runWith((3n << 32n) | 5n), runWith(5n)]).toEqual([5n, 8n, 5n]);
    runWith((3n << 32n) | 5n);
    const saved = t.cpu.save();
    runWith(5n);
    t.cpu.restore(saved);
    expect(t.cpu.register(x86ish.state.common.extra)).toBe((3n << 32n) | 5n);
  });

  it.each([false, true])(
    'is restored for the instruction that faults, where one before it changed it (cut: %s)',
    async (cut) => {
      const fault = [X.movImm, r(1), ...i(0x20_0000), X.load, r(2, 1)];
      const program = [X.lcs, ...i(0x30), X.getcs, r(0), X.lcs, ...i(0x40), X.getcs, r(3), ...fault, X.lcs, ...i(0x50)];
      // With blocks of one instruction it goes through the state at every cut.
      m = await boot(cut ? { ...x86ish, maxBlockInsns: 1 } : x86ish, program);
      m.put(0x1000, [X.hlt]);
      m.run();
      expect([m.reg('e0'), m.reg('e3'), m.reg('savedCode')]).toEqual([0x37n, 0x47n, 14n]);
      expect(m.reg('savedBase')).toBe((7n << 32n) | 0x40n);
    },
  );
});

describe('accesses of devices', () => {
  it('carry the attributes of the regime and the id of the vCPU', async () => {
    const seen: number[] = [];
    const onAttributes = (attrs: number): number => seen.push(attrs);
    const program = [X.movImm, r(1), ...i(PORT), X.load, r(0, 1), X.store, r(1, 0), X.hlt];
    m = await boot(x86ish, program, { cpus: 2, onAttributes });
    m.run();
    const [, second] = m.cpus;
    second?.execute(100);
    const own = [withRequester(ATTR_SECURE, 0), withRequester(ATTR_SECURE, 1)];
    expect(seen).toEqual([own[0], own[0], own[1], own[1]]);
  });

  it('carry what the page walk found, on later accesses too', async () => {
    const { common } = x86ish.state;
    const seen: number[] = [];
    const onAttributes = (attrs: number): number => seen.push(attrs & 0xff);
    const walk = defineHelper('secure_walk', ['i64', 'i32', 'i32'], 'i32', (b, va) => {
      b.set(common.walkPa, b.and(va, b.i64(0xfff_ffff)));
      b.set(common.walkBits, b.i32(12));
      b.if(b.geU(va, b.i64(0x1000_0000)), () => b.set(common.walkAttrs, b.i32(ATTR_SECURE)));
      return b.i32(0);
    });
    const load = (at: number): number[] => [X.movImm, r(1), ...i(at), X.load, r(0, 1), X.load, r(0, 1)];
    const program = [...load(PORT), ...load(PORT + 0x1000_0000), ...load(PORT), X.hlt];
    m = await boot({ ...x86ish, regimeAttributes: [ATTR_USER], walkAttributes: true, walk }, program, { onAttributes });
    m.run();
    const [plain, secure] = [ATTR_USER, ATTR_USER | ATTR_SECURE];
    expect(seen).toEqual([plain, plain, secure, secure, plain, plain]);
  });

  it.each([
    ['a device that refuses', PORT + 0xc0, MEM_ERROR],
    ['a device that has no such register', PORT + 0x80, MEM_DECODE_ERROR],
    ['nothing', PORT + 0x1000, MEM_DECODE_ERROR],
  ])('tell the frontend how they failed: %s', async (_, at, result) => {
    for (const [access, code] of [
      [[X.load, r(0, 1)], 20n],
      [[X.store, r(1, 0)], 21n],
    ] as const) {
      const t = await run([X.movImm, r(1), ...i(at), ...access, X.hlt]);
      expect([t.reg('savedCode'), t.reg('savedValue')]).toEqual([code, BigInt(at)]);
      expect(BigInt.asIntN(32, t.cpu.register(x86ish.state.common.busResult))).toBe(BigInt(result));
      await t.dispose();
    }
    for (const op of [[X.cmpxchg, r(1, 0)]]) {
      const t = await run([X.movImm, r(1), ...i(at), ...op, X.hlt]);
      const expected = at < PORT + 0x1000 ? MEM_ERROR : MEM_DECODE_ERROR;
      expect(t.reg('savedCode')).toBe(21n);
      expect(BigInt.asIntN(32, t.cpu.register(x86ish.state.common.busResult))).toBe(BigInt(expected));
      await t.dispose();
    }
  });

  it('leave nothing behind when a store goes from memory into nothing', async () => {
    const end = RAM_BYTES;
    const t = await run([X.movImm, r(0), ...i(-1), X.movImm, r(1), ...i(end - 2), X.store, r(1, 0), X.hlt]);
    expect(t.bytes(end - 2, 2)).toEqual([0, 0]);
    expect([t.reg('savedCode'), t.reg('savedValue'), t.reg('savedPc')]).toEqual([21n, BigInt(end), 12n]);
  });

  it('leave nothing behind when a move goes into nothing, probed before it loads', async () => {
    const end = RAM_BYTES;
    const t = await run([X.movImm, r(6), ...i(0x3000), X.movImm, r(7), ...i(end - 1), X.movsd, X.hlt]);
    expect([t.reg('e6'), t.reg('e7')]).toEqual([0x3000n, BigInt(end - 1)]);
    expect(t.reg('savedCode')).toBe(21n);
  });
});
