import { ATTR_USER, type Machine, MemoryRegion } from '@boardwalk/core';
import { afterEach, describe, expect, it } from 'vitest';
import { be32, boot, le32, PORT, type TestMachine } from './harness.ts';
import { PAGE_TABLE, S, sparcish, TRAP, VECTOR } from './sparcish.ts';

let m: TestMachine | undefined;
afterEach(() => m?.dispose());

const [O0, O1, O7, L0, L1, I0, I7] = [8, 9, 15, 16, 17, 24, 31];
const [G1, G2, G3, G4] = [1, 2, 3, 4];
const at = (imm: number) => ({ imm });
/** r = value, two instructions. */
const set = (rd: number, value: number): number[][] => [
  S.sethi(rd, value + ((value & 0x1000) << 1)),
  S.add(rd, rd, at((value << 19) >> 19)),
];
const insnWord = (bytes: number[]): number => bytes.reduce((word, byte) => word * 256 + byte, 0);
/** Handler: returns from the trap to the instruction that trapped. */
const RETRY = [S.rett()];

describe.each([64, 1, 2, 3])('a frontend in the shape of SPARC, blocks of %i instructions', (longest) => {
  async function run(
    program: number[][],
    handler: number[][] = [S.halt()],
    put: [number, number[]][] = [],
  ): Promise<TestMachine> {
    m = await boot(sparcish(longest), program.flat());
    m.put(VECTOR, handler.flat());
    for (const [where, bytes] of put) m.put(where, bytes);
    m.run();
    return m;
  }
  const regs = (t: TestMachine, ...numbers: number[]): number[] => numbers.map((n) => Number(t.reg(`r${n}`)));

  it('executes the instruction in the delay slot, then goes to the target', async () => {
    const t = await run([S.b('always', 3), S.add(G1, 0, at(1)), S.halt(), S.add(G2, G1, at(1)), S.halt()]);
    expect(regs(t, G1, G2)).toEqual([1, 2]);
    expect(t.cpu.instructionCount).toBe(4n);
  });

  it('annuls the delay slot of an untaken branch, and of one always taken', async () => {
    const t = await run([
      S.subcc(0, 0, at(1)),
      S.b('equal', 4, true),
      S.add(G1, 0, at(9)),
      S.b('notEqual', 3, true),
      S.add(G2, 0, at(2)),
      S.halt(),
      S.b('always', 2, true),
      S.add(G3, 0, at(9)),
      S.halt(),
    ]);
    expect(regs(t, G1, G2, G3)).toEqual([0, 2, 0]);
  });

  it('restarts a delay slot that faulted with the branch still to come', async () => {
    // The handler maps the page; the load then runs again, in the slot, and the branch target follows.
    const handler = [...set(G4, PAGE_TABLE), ...set(G3, 0x6003), S.st(G3, G4, at(0)), S.rett()];
    const t = await run(
      [
        ...set(G1, 0x1000_0000),
        S.subcc(0, 0, at(0)),
        S.b('equal', 4),
        S.ld(G2, G1, at(8)),
        S.add(O1, 0, at(9)),
        S.halt(),
        S.add(O0, G2, at(1)),
        S.halt(),
      ],
      handler,
      [[0x6008, be32(0x77)]],
    );
    expect(t.reg('tcode')).toBe(BigInt(TRAP.data));
    expect([t.reg('tpc'), t.reg('tnpc'), t.reg('tvalue')]).toEqual([16n, 28n, 0x1000_0008n]);
    expect(regs(t, G2, O0, O1)).toEqual([0x77, 0x78, 0]);
  });

  it('has a delay slot in the next page', async () => {
    const t = await run(
      [S.b('always', 0x1ffc / 4)],
      [S.halt()],
      [
        [0x1ffc, [S.b('always', 0x1000 / 4 + 1), S.add(G1, G1, at(1)), S.halt()].flat()],
        [4, S.add(G2, 0, at(3))],
        [0x3000, S.halt()],
      ],
    );
    expect(regs(t, G1, G2)).toEqual([1, 3]);
    expect(t.cpu.pc).toBe(0x3004n);
  });

  it('takes an interrupt between a branch and its delay slot', async () => {
    m = await boot(
      sparcish(longest),
      [S.b('always', 3), S.add(G1, G1, at(1)), S.halt(), S.add(G2, 0, at(5)), S.halt()].flat(),
    );
    m.put(VECTOR, RETRY.flat());
    m.cpu.exactBudget = true;
    expect(m.cpu.execute(1)).toBe(1);
    expect(m.cpu.pc).toBe(4n);
    m.cpu.setIrqLine(0, true);
    m.run();
    expect([m.reg('tpc'), m.reg('tnpc'), m.reg('tcode')]).toEqual([4n, 12n, 16n]);
    expect(regs(m, G1, G2)).toEqual([1, 5]);
  });

  it('shifts the register windows, and restores in a delay slot', async () => {
    const t = await run([
      S.or(O0, 0, at(7)),
      S.or(L0, 0, at(70)),
      S.jmpl(O7, 0, at(24)),
      S.or(O1, 0, at(8)),
      S.add(G1, O0, at(0)),
      S.halt(),
      // 24: the callee
      S.save(14, 14, at(-64)),
      S.or(L0, 0, at(71)),
      S.add(I0, I0, at(100)),
      S.add(G2, I0 + 1, at(0)),
      S.jmpl(0, I7, at(8)),
      S.restore(O1, I0, L0),
    ]);
    expect(regs(t, G1, G2, O0, O1, L0)).toEqual([107, 8, 107, 178, 70]);
    expect(t.reg('cwp')).toBe(0n);
  });

  it('keeps every window apart, all round', async () => {
    const steps: number[][] = [];
    for (let w = 1; w <= 4; w++) steps.push(S.save(0, 0, 0), S.or(L1, 0, at(w)), S.or(O1, 0, at(w * 16)));
    const t = await run([...steps, S.restore(0, 0, 0), S.restore(0, 0, 0), S.halt()]);
    expect(regs(t, L1, O1, I0 + 1)).toEqual([2, 32, 16]);
    expect(t.reg('cwp')).toBe(2n);
  });

  it('traps on a window that is invalid with nothing changed, in a delay slot too', async () => {
    m = await boot(sparcish(longest), [S.or(I0, 0, at(3)), S.jmpl(O7, 0, at(0x40)), S.restore(O0, I0, at(1))].flat());
    m.setReg('wim', 2);
    m.put(VECTOR, S.halt());
    m.run();
    expect([m.reg('tcode'), m.reg('tpc'), m.reg('tnpc'), m.reg('cwp')]).toEqual([5n, 8n, 0x40n, 0n]);
    expect(regs(m, I0, O0)).toEqual([3, 0]);
    expect(m.cpu.instructionCount).toBe(3n);
  });

  it('carries into the next addition and sees overflow', async () => {
    const t = await run([
      ...set(G1, 0xffff_e000),
      S.addcc(G2, G1, G1),
      S.addx(G3, 0, at(0)),
      ...set(G1, 0x8000_0000),
      S.subcc(0, G1, at(1)),
      S.b('overflow', 3),
      S.addx(G4, 0, at(1)),
      S.halt(),
      S.halt(),
    ]);
    expect(regs(t, G2, G3, G4)).toEqual([0xffff_c000, 1, 1]);
    expect(t.cpu.pc).toBe(44n);
  });

  it('keeps its bytes in its own order, and reads the other one on demand', async () => {
    const t = await run(
      [
        ...set(G1, 0x4000),
        S.ld(G2, G1, at(0)),
        S.ldLittle(G3, G1, at(0)),
        S.ldsh(G4, G1, at(2)),
        S.st(G2, G1, at(4)),
        S.stLittle(G2, G1, at(8)),
        S.ldd(O0, G1, at(0)),
        S.std(O0, G1, at(16)),
        S.halt(),
      ],
      undefined,
      [[0x4000, [0x12, 0x34, 0x95, 0x78]]],
    );
    expect(regs(t, G2, G3, G4)).toEqual([0x12349578, 0x78953412, 0xffff9578]);
    expect(t.bytes(0x4004, 8)).toEqual([...be32(0x12349578), ...le32(0x12349578)]);
    expect(t.bytes(0x4010, 8)).toEqual([...be32(0x12349578), ...be32(0x12349578)]);
    expect(regs(t, O0, O1)).toEqual([0x12349578, 0x12349578]);
  });

  it('traps on misaligned addresses, of RAM and devices', async () => {
    for (const [insn, address] of [
      [S.ld(G2, G1, at(2)), 0x4002],
      [S.std(G2, G1, at(4)), 0x4004],
      [S.ldsh(G2, G1, at(1)), 0x4001],
    ] as const) {
      const t = await run([...set(G1, 0x4000), insn, S.halt()]);
      expect([t.reg('tcode'), t.reg('tvalue'), t.reg('tpc')]).toEqual([7n, BigInt(address), 8n]);
      await t.dispose();
    }
    const t = await run([...set(G1, PORT), S.ld(G2, G1, at(2)), S.halt()]);
    expect(t.reg('tcode')).toBe(7n);
    expect(t.writes).toEqual([]);
  });

  it('translates by regime: users, supervisors, physical addresses', async () => {
    const entry = 0x6000 | 4 | 2 | 1;
    const t = await run(
      [
        ...set(G1, 0x1000_0000),
        S.ld(G2, G1, at(0)),
        ...set(L1, 0x6000),
        S.ldPhysical(G3, L1, at(0)),
        S.user(),
        S.ldPhysical(L0, L1, at(0)),
        S.ld(G4, G1, at(0)),
        S.halt(),
      ],
      [S.halt()],
      [
        [PAGE_TABLE, be32(entry)],
        [0x6000, be32(0x55)],
      ],
    );
    expect(regs(t, G2, G3, L0, G4)).toEqual([0x55, 0x55, 0x55, 0]);
    expect([t.reg('tcode'), t.reg('tmode'), t.reg('tvalue')]).toEqual([9n, 2n, 0x1000_0000n]);
  });

  it.each([0, -0x1000])('forgets a page when told to, code in its upper half too (%i)', async (away) => {
    const program = (value: number): number[] =>
      [S.or(G2, 0, at(value)), S.jmpl(0, O7, at(8)), S.add(G3, G3, G2)].flat();
    const t = await run(
      [
        ...set(G1, 0x1000_3000),
        S.jmpl(O7, G1, at(0)),
        S.or(0, 0, 0),
        S.jmpl(O7, G1, at(0)),
        S.or(0, 0, 0),
        ...set(G4, PAGE_TABLE),
        ...set(L0, 0xa003),
        S.st(L0, G4, at(4)),
        S.add(I0, G1, at(away)),
        S.flush(I0),
        S.jmpl(O7, G1, at(0)),
        S.or(0, 0, 0),
        S.halt(),
      ],
      [S.halt()],
      [
        [PAGE_TABLE + 4, be32(0x6003)],
        [0x7000, program(1)],
        [0xb000, program(10)],
      ],
    );
    expect(regs(t, G3)).toEqual([12]);
  });

  it('sees code change in either half of a page', async () => {
    // Stores patch the immediate of `or` at 0x2ffc + 4 and at 0x5000, reached through mappings already warm for stores.
    const code = (where: number): [number, number[]] => [
      where,
      [S.or(G2, 0, at(1)), S.jmpl(0, O7, at(8)), S.add(G3, G3, G2)].flat(),
    ];
    const call = (where: number): number[][] => [...set(G1, where), S.jmpl(O7, G1, at(0)), S.or(0, 0, 0)];
    const patch = (where: number): number[][] => [...set(L1, where), S.st(L0, L1, at(0))];
    const value = insnWord(S.or(G2, 0, at(16)));
    const load = set(L0, value);
    const t = await run(
      [
        ...load,
        ...set(L1, 0x4800),
        S.st(L0, L1, at(0)),
        ...set(L1, 0x5800),
        S.st(L0, L1, at(0)),
        ...call(0x4000),
        ...call(0x5000),
        ...patch(0x4000),
        ...patch(0x5000),
        ...call(0x4000),
        ...call(0x5000),
        S.halt(),
      ],
      [S.halt()],
      [code(0x4000), code(0x5000)],
    );
    expect(regs(t, G3)).toEqual([34]);
  });

  it('sees code change in the upper half of a page whose lower half has none', async () => {
    const t = await run(
      [
        ...set(L1, 0x5000),
        ...set(L0, insnWord(S.or(G2, 0, at(16)))),
        S.jmpl(O7, L1, at(0)),
        S.or(0, 0, 0),
        S.st(0, L1, at(-0x800)),
        S.st(L0, L1, at(0)),
        S.jmpl(O7, L1, at(0)),
        S.or(0, 0, 0),
        S.halt(),
      ],
      undefined,
      [[0x5000, [S.or(G2, 0, at(1)), S.jmpl(0, O7, at(8)), S.add(G3, G3, G2)].flat()]],
    );
    expect(regs(t, G3)).toEqual([17]);
  });

  it('forgets a link into the half of a page that was written', async () => {
    // 0x4000 jumps to 0x5000 directly; the second time round that has changed.
    const t = await run(
      [
        ...set(L1, 0x5000),
        ...set(L0, insnWord(S.or(G2, 0, at(16)))),
        ...set(G1, 0x4000),
        S.jmpl(O7, G1, at(0)),
        S.or(0, 0, 0),
        S.jmpl(O7, G1, at(0)),
        S.or(0, 0, 0),
        S.st(L0, L1, at(0)),
        S.jmpl(O7, G1, at(0)),
        S.or(0, 0, 0),
        S.halt(),
      ],
      undefined,
      [
        [0x4000, S.b('always', 0x1000 / 4, true)],
        [0x5000, [S.or(G2, 0, at(1)), S.jmpl(0, O7, at(8)), S.add(G3, G3, G2)].flat()],
      ],
    );
    expect(regs(t, G3)).toEqual([18]);
  });

  it('compares and swaps big-endian words', async () => {
    const t = await run(
      [
        ...set(G1, 0x4000),
        S.or(G2, 0, at(5)),
        S.or(G3, 0, at(9)),
        S.casx(G3, G1, G2),
        S.or(G4, 0, at(8)),
        S.casx(G4, G1, G2),
        S.halt(),
      ],
      undefined,
      [[0x4000, be32(5)]],
    );
    expect(t.bytes(0x4000, 4)).toEqual(be32(9));
    expect(regs(t, G3, G4)).toEqual([5, 9]);
  });

  it('goes on where the second half of a page is other memory than the first', async () => {
    // The page at 0x40_0000 is made of two blocks that lie apart, the second before the first.
    const PAGE = 0x40_0000;
    const build = (machine: Machine): void => {
      const halves = ['high', 'gap', 'low'].map((name) => machine.space.allocateRam(name, 4096));
      const [high, , low] = halves;
      if (high === undefined || low === undefined) throw new Error('no memory');
      machine.map(PAGE, MemoryRegion.ram('low', low));
      machine.map(PAGE + 0x1000, MemoryRegion.ram('high', high));
    };
    m = await boot(sparcish(longest), [...set(G1, PAGE + 0xff0), S.jmpl(0, G1, at(0)), S.or(0, 0, at(0))].flat(), {
      build,
    });
    // Straight on over the boundary, back over it by an annulled branch, which is a link, and forth by another.
    const first = [S.add(G2, G2, at(1)), S.subcc(0, G2, at(3)), S.b('equal', 6, true), S.or(0, 0, at(0))];
    const second = [
      S.add(G3, G3, at(1)),
      S.b('always', -5, true),
      S.halt(),
      S.halt(),
      S.b('always', 2, true),
      S.halt(),
    ];
    m.put(PAGE + 0xff0, [...first, ...second, S.add(G4, G4, at(1)), S.b('always', -0x200, true)].flat());
    m.put(PAGE + 0x101c - 0x800, [S.add(G4, G4, at(2)), S.b('always', 0x1ff + 8, true)].flat());
    m.put(PAGE + 0x103c, [S.add(G4, G4, at(4)), S.halt()].flat());
    m.run();
    expect(regs(m, G2, G3, G4)).toEqual([3, 2, 7]);
    // Data that crosses from one block into the other.
    m.put(PAGE + 0xffc, be32(0x01020304));
    m.put(PAGE + 0x1000, be32(0x05060708));
    expect(m.bytes(PAGE + 0xffe, 4)).toEqual([3, 4, 5, 6]);
  });

  it('tells devices in which regime it runs', async () => {
    const seen: number[] = [];
    const onAttributes = (attrs: number): number => seen.push(attrs & 0xff);
    const program = [
      ...set(G1, PORT),
      S.ld(G2, G1, at(0)),
      S.user(),
      S.ld(G2, G1, at(0)),
      S.ldPhysical(G2, G1, at(0)),
      S.halt(),
    ];
    m = await boot(sparcish(longest), program.flat(), { onAttributes });
    m.run();
    expect(seen).toEqual([0, ATTR_USER, 0]);
  });
});
