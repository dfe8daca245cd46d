import { afterEach, describe, expect, it } from 'vitest';
import { be32, boot, le32, type TestMachine } from './harness.ts';
import { A, EXC, PAGES, T, thumbish, VECTOR } from './thumbish.ts';

let m: TestMachine | undefined;
afterEach(() => m?.dispose());

const COUNTED = [64, 1, 2, 3].map((longest) => [longest, 'for one address', false] as const);
const SLIDING = [64, 2].map((longest) => [longest, 'for all', true] as const);

describe.each([...COUNTED, ...SLIDING])(
  'a frontend in the shape of ARM, blocks of %i instructions %s',
  (longest, _, slides) => {
    async function start(
      program: number[][],
      registers: Record<string, bigint | number> = {},
      o: Parameters<typeof boot>[2] = {},
    ): Promise<TestMachine> {
      m = await boot(thumbish(longest), program.flat(), o);
      m.cpu.engine.slidesAlways = slides;
      m.put(VECTOR, T.halt());
      for (const [name, value] of Object.entries(registers)) m.setReg(name, value);
      return m;
    }
    async function run(...args: Parameters<typeof start>): Promise<TestMachine> {
      const t = await start(...args);
      t.run();
      return t;
    }
    const regs = (t: TestMachine, ...n: number[]): number[] => n.map((x) => Number(t.reg(`r${x}`)));
    const saved = (t: TestMachine): bigint[] => [t.reg('savedCode'), t.reg('savedPc')];

    it('predicates the next four instructions', async () => {
      const program = [
        T.cmp(0, 1),
        T.it('tete'),
        T.movs(2, 1),
        T.movs(3, 2),
        T.movs(4, 3),
        T.movs(5, 4),
        T.movs(6, 5),
        T.halt(),
      ];
      const equal = await run(program);
      expect(regs(equal, 2, 3, 4, 5, 6)).toEqual([1, 0, 3, 0, 5]);
      expect(equal.cpu.instructionCount).toBe(8n);
      await equal.dispose();
      expect(regs(await run(program, { r0: 1 }), 2, 3, 4, 5, 6)).toEqual([0, 2, 0, 4, 5]);
    });

    it('predicates a branch at the end of an IT block', async () => {
      const program = [T.cmp(0, 1), T.it('tt'), T.movs(2, 1), T.b(1), T.movs(3, 2), T.movs(4, 3), T.halt()];
      const equal = await run(program);
      expect(regs(equal, 2, 3, 4)).toEqual([1, 0, 3]);
      await equal.dispose();
      expect(regs(await run(program, { r0: 1 }), 2, 3, 4)).toEqual([0, 2, 3]);
    });

    it('goes on in the middle of an IT block after a fault there', async () => {
      const t = await start(
        [T.cmp(0, 1), T.it('tet'), T.movs(2, 1), T.movs(3, 9), T.ldr(4, 5), T.movs(6, 5), T.halt()],
        {
          r5: PAGES.missing,
        },
      );
      t.put(VECTOR, [T.mov(5, 7), T.eret()].flat());
      t.put(0x100, le32(77));
      t.setReg('r7', 0x100);
      t.run();
      expect(saved(t)).toEqual([BigInt(EXC.data), 8n]);
      expect(t.reg('savedMode')).toBe(0x1100n);
      expect(regs(t, 2, 3, 4, 6)).toEqual([1, 0, 77, 5]);
    });

    it('raises in an IT block with the IT state of that instruction', async () => {
      const t = await run([T.cmp(0, 1), T.it('ttt'), T.movs(2, 1), T.svc(3), T.movs(3, 1), T.halt()]);
      expect([...saved(t), t.reg('savedMode'), t.reg('savedValue')]).toEqual([BigInt(EXC.svc), 6n, 0x3200n, 3n]);
    });

    it('takes an interrupt inside an IT block at any instruction', async () => {
      for (let steps = 1; steps < 6; steps++) {
        const t = await start([
          T.cmp(0, 1),
          T.it('tett'),
          T.movs(2, 1),
          T.movs(3, 9),
          T.movs(4, 3),
          T.movs(5, 4),
          T.halt(),
        ]);
        t.put(VECTOR, T.eret());
        t.cpu.exactBudget = true;
        expect(t.cpu.execute(steps)).toBe(steps);
        t.cpu.setIrqLine(0, true);
        t.run();
        expect(saved(t)).toEqual([BigInt(EXC.irq), BigInt(steps * 2)]);
        expect(regs(t, 2, 3, 4, 5)).toEqual([1, 0, 3, 4]);
        await t.dispose();
      }
    });

    it('executes exactly as many instructions as it is told', async () => {
      // A loop of 3 instructions, each counted in r0 to r2.
      const t = await start([T.add(0, 3), T.add(1, 3), T.b(-3)], { r3: 1 });
      t.cpu.exactBudget = true;
      for (const n of [1, 1, 2, 5, 64, 65, 130, 1, 1000]) expect(t.cpu.execute(n)).toBe(n);
      expect(t.cpu.instructionCount).toBe(1269n);
      expect(regs(t, 0, 1)).toEqual([423, 423]);
      expect(t.cpu.pc).toBe(0n);
    });

    it('switches the instruction set by a jump, and decodes the same bytes twice', async () => {
      const t = await start([T.bx(0), T.halt()], { r0: 0x100, r1: 0x201, r2: 0x200 });
      t.put(0x100, [A.mov(3, 0, 0x1234), A.movt(3, 0, 0xabcd), A.bx(1)].flat());
      // In thumb: movs r4, 7 then b over; in arm: halt.
      t.put(0x200, [T.movs(4, 7), T.bx(2), T.halt(), T.halt()].flat());
      t.run(5);
      expect(regs(t, 3, 4)).toEqual([0xabcd1234, 7]);
      t.put(0x200, [...A.add(5, 3, 1), ...A.halt()]);
      t.cpu.halted = false;
      t.cpu.pc = 0n;
      t.setReg('r0', 0x200);
      t.cpu.setRegister(t.cpu.frontend.state.common.mode, 0n);
      t.run();
      expect(regs(t, 5)).toEqual([0xabcd1235]);
    });

    it('loads and stores data in the byte order of the moment', async () => {
      const t = await run([T.setend(1), T.str(0, 1), T.ldrh(2, 1), T.setend(0), T.ldr(3, 1), T.ldrh(4, 1), T.halt()], {
        r0: 0x8234_5678,
        r1: 0x100,
      });
      expect(t.bytes(0x100, 4)).toEqual(be32(0x82345678));
      expect(regs(t, 2, 3, 4)).toEqual([0xffff8234, 0x78563482, 0x3482]);
    });

    it('accesses across pages of 1 KiB, in both orders, mapped apart', async () => {
      const t = await run([T.str(0, 1), T.ldr(2, 1), T.setend(1), T.ldr(3, 1), T.str(3, 4), T.halt()], {
        r0: 0x11223344,
        r1: PAGES.moved - 1,
        r4: PAGES.moved + 0x3fe,
      });
      expect(t.bytes(PAGES.moved - 1, 1)).toEqual([0x44]);
      expect(t.bytes(PAGES.movedTo, 3)).toEqual([0x33, 0x22, 0x11]);
      expect(t.bytes(PAGES.moved, 3)).toEqual([0, 0, 0]);
      expect(regs(t, 2, 3)).toEqual([0x11223344, 0x44332211]);
      expect(t.bytes(PAGES.movedTo + 0x3fe, 2)).toEqual([0x44, 0x33]);
      expect(t.bytes(PAGES.moved + 0x400, 2)).toEqual([0x22, 0x11]);
    });

    it('stores nothing of many registers if a page of them is missing or read-only', async () => {
      for (const page of [PAGES.missing, PAGES.readonly]) {
        const t = await run([T.stm(8, 4), T.halt()], { r0: 1, r1: 2, r2: 3, r3: 4, r8: page - 8 });
        expect([...saved(t), t.reg('savedValue')]).toEqual([BigInt(EXC.data), 0n, BigInt(page)]);
        expect(t.bytes(page - 8, 8)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
        expect(regs(t, 8)).toEqual([page - 8]);
        await t.dispose();
      }
      const load = await run([T.ldm(8, 4), T.halt()], { r0: 1, r1: 2, r2: 3, r3: 4, r8: PAGES.missing - 8 });
      expect(regs(load, 0, 1, 2, 3, 8)).toEqual([1, 2, 3, 4, PAGES.missing - 8]);
      await load.dispose();
      const good = await run([T.stm(8, 4), T.mov(0, 9), T.mov(8, 10), T.ldm(8, 2), T.halt()], {
        r0: 1,
        r1: 2,
        r2: 3,
        r3: 4,
        r8: 0x100,
        r10: 0x104,
      });
      expect(regs(good, 0, 1, 8)).toEqual([2, 3, 0x10c]);
    });

    it('stores exclusively only what nobody else has stored to', async () => {
      const good = await run([T.ldrex(0, 8), T.add(0, 7), T.strex(1, 0), T.strex(2, 0), T.halt()], {
        r7: 1,
        r8: 0x100,
      });
      expect([...regs(good, 1, 2), ...good.bytes(0x100, 4)]).toEqual([0, 1, 1, 0, 0, 0]);
      await good.dispose();
      const lost = await run([T.ldrex(0, 8), T.str(7, 8), T.strex(1, 0), T.halt()], { r7: 9, r8: 0x100 });
      expect([...regs(lost, 1), ...lost.bytes(0x100, 4)]).toEqual([1, 9, 0, 0, 0]);
      await lost.dispose();
      const misaligned = await run([T.ldrex(0, 8), T.halt()], { r8: 0x102 });
      expect(saved(misaligned)).toEqual([BigInt(EXC.alignment), 0n]);
    });

    it('sees code change in every 1 KiB page of a host page, whichever was written first', async () => {
      // Warms stores to the four pages, then calls code in each, patches it, calls again.
      const places = [0x9000, 0x9400, 0x9800, 0x9c00];
      const t = await start([T.str(0, 1), T.halt()]);
      const code = (value: number): number[] => [...T.movs(5, value), ...T.halt()];
      const go = (pc: number): void => {
        t.cpu.pc = BigInt(pc);
        t.cpu.halted = false;
        t.run();
      };
      for (const place of places) t.put(place, code(1));
      const store = (place: number, bytes: number[]): void => {
        t.setReg('r0', (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8) | ((bytes[2] ?? 0) << 16) | ((bytes[3] ?? 0) << 24));
        t.setReg('r1', place);
        go(0);
      };
      for (const place of places) store(place + 0x200, [0, 0, 0, 0]);
      for (const place of places) {
        go(place);
        expect(regs(t, 5)).toEqual([1]);
      }
      for (const [n, place] of places.entries()) {
        store(place, code(n + 2));
        go(place);
        expect(regs(t, 5)).toEqual([n + 2]);
      }
    });

    it('goes on with code that the block before has changed', async () => {
      // 0: str r0, [r1]; b 0x20. The second run finds the link from the first, and patches what it leads to.
      const t = await start([T.str(0, 1), T.b(14)], { r1: 0x100 });
      t.put(0x20, [...T.movs(5, 1), ...T.halt()]);
      t.run();
      expect(regs(t, 5)).toEqual([1]);
      for (let round = 0; round < 2; round++) {
        t.cpu.pc = 0n;
        t.cpu.halted = false;
        t.run();
      }
      const [a = 0, b = 0] = T.movs(5, 9);
      const [c = 0, d = 0] = T.halt();
      t.setReg('r0', a | (b << 8) | (c << 16) | (d << 24));
      t.setReg('r1', 0x20);
      t.cpu.pc = 0n;
      t.cpu.halted = false;
      t.run();
      expect(regs(t, 5)).toEqual([9]);
    });

    it('leaves a storm of exceptions when the budget is used up', async () => {
      const t = await start([T.svc(1)]);
      t.put(VECTOR, T.undefined());
      expect(t.cpu.execute(1000)).toBeLessThan(1000);
      expect(t.cpu.pc).toBe(BigInt(VECTOR));
      t.put(0, T.bx(0));
      t.setReg('r0', PAGES.missing + 1);
      t.cpu.pc = 0n;
      t.put(VECTOR, T.bx(0));
      t.cpu.execute(1000);
      expect(t.reg('savedCode')).toBe(BigInt(EXC.fetch));
    });
  },
);
