/** The engine as a whole: its code cache, memory maps, devices, logs, snapshots, vCPUs in turn. */
import {
  InstructionClockSource,
  type Machine,
  MemoryRegion,
  PAGE_CLEAN_DISPLAY,
  PAGE_CODE,
  VirtualClock,
} from '@boardwalk/core';
import { printIr } from '@boardwalk/translator';
import { describe, expect, it } from 'vitest';
import { be32, le32, PORT, start, type TestCpu, type TestMachine } from './frontends/harness.ts';
import { H, hppaish } from './frontends/hppaish.ts';
import { PAGE_TABLE, S, sparcish } from './frontends/sparcish.ts';
import { T, thumbish } from './frontends/thumbish.ts';
import { i, jmp, movImm, rr, X, x86ish } from './frontends/x86ish.ts';

function again(m: TestMachine, pc: number, cpu: TestCpu = m.cpu): void {
  cpu.pc = BigInt(pc);
  cpu.halted = false;
  m.run();
}

describe('the code cache', () => {
  it('is emptied when its arena is full, and what ran goes on', async () => {
    const m = await start(thumbish(), [], { arenaBytes: 512 * 1024 });
    const blocks = 6000;
    const code = Array.from({ length: blocks }, () => [...T.add(0, 1), ...T.b(0)]).flat();
    m.put(0x1_0000, [...code, ...T.halt()]);
    m.setReg('r1', 1);
    for (let round = 1; round <= 2; round++) {
      again(m, 0x1_0000);
      expect(m.reg('r0')).toBe(BigInt(blocks * round));
    }
    const { cache } = m.cpu.engine;
    expect(cache.stats.flushes).toBeGreaterThan(2);
    expect(cache.used).toBeLessThan(512 * 1024);
    expect(m.cpu.instructionCount).toBe(BigInt(4 * blocks + 2));
  });

  it('drops what a device writes over, in the middle of a block that runs too', async () => {
    const target = 0x2000;
    const m = await start(x86ish, [...movImm(1, PORT), X.store, rr(1, 0), X.store, rr(1, 0), ...jmp(10, target)], {
      onPortWrite: (machine: Machine) =>
        machine.addressSpace.writeBytes(target, Uint8Array.from([...movImm(2, 9), X.hlt])),
    });
    m.put(target, [...movImm(2, 1), X.hlt]);
    again(m, target);
    expect(m.reg('e2')).toBe(1n);
    again(m, 0);
    expect(m.reg('e2')).toBe(9n);
    expect(m.cpu.engine.cache.stats.invalidated).toBe(1);
  });

  it('marks pages of code, and unmarks them with the last block of theirs', async () => {
    const m = await start(x86ish, [...jmp(0, 0x2000)]);
    m.put(0x2000, [X.hlt]);
    m.run();
    const flags = (pa: number): number => m.machine.space.flagsAt(m.machine.addressSpace.hostOffset(pa, 1, false));
    expect([flags(0), flags(0x1000), flags(0x2000)]).toEqual([PAGE_CODE, 0, PAGE_CODE]);
    m.put(0x2800, [1]);
    expect([flags(0), flags(0x2000)]).toEqual([PAGE_CODE, PAGE_CODE]);
    m.put(0x2000, [X.nop]);
    expect([flags(0), flags(0x2000)]).toEqual([PAGE_CODE, 0]);
    m.cpu.engine.cache.flush();
    expect(flags(0)).toBe(0);
  });
});

describe('an instruction that was translated before', () => {
  it('means the same in other places; what depends on the place or the mode does not', async () => {
    // The same addition in two places, then calls, whose return address is where they stand.
    const m = await start(sparcish(), [
      ...[S.add(1, 1, { imm: 5 }), S.add(1, 1, { imm: 5 }), S.add(1, 1, { imm: 5 })].flat(),
      ...[S.jmpl(2, 0, { imm: 0x800 }), S.add(1, 1, { imm: 5 }), S.halt()].flat(),
    ]);
    m.put(0x800, [S.add(1, 1, { imm: 5 }), S.jmpl(3, 0, { imm: 0xc00 }), S.add(1, 1, { imm: 5 })].flat());
    m.put(0xc00, [S.add(1, 1, { imm: 5 }), S.halt()].flat());
    m.run();
    expect(['r1', 'r2', 'r3'].map((name) => m.reg(name))).toEqual([35n, 0xcn, 0x804n]);
  });
});

describe('translations of addresses', () => {
  const at = (imm: number): { imm: number } => ({ imm });
  const call = (rd: number): number[] => [S.jmpl(15, rd, at(0)), S.or(0, 0, 0)].flat();

  it('are checked again where a block goes on in the next page', async () => {
    const m = await start(
      sparcish(),
      [
        S.sethi(1, 0x1000_0000),
        S.add(1, 1, at(0xff8)),
        S.add(1, 1, at(0xff8)),
        S.add(1, 1, at(8)),
        call(1),
        S.sethi(4, PAGE_TABLE),
        S.sethi(16, 0xc000),
        S.or(16, 16, at(3)),
        S.st(16, 4, at(4)),
        S.add(5, 1, at(16)),
        S.flush(5),
        call(1),
        S.halt(),
      ].flat(),
    );
    const tail = (n: number): number[] => [S.add(3, 3, at(n)), S.jmpl(0, 15, at(8)), S.or(0, 0, 0)].flat();
    m.put(PAGE_TABLE, [...be32(0x6003), ...be32(0xa003)]);
    m.put(0x7ff8, [S.add(3, 3, at(1)), S.add(3, 3, at(1))].flat());
    m.put(0xa000, tail(16));
    m.put(0xc000, tail(256));
    m.run();
    expect(m.reg('r3')).toBe(BigInt(4 + 16 + 256));
  });

  it('of a large mapping all go when one of its pages is flushed', async () => {
    const m = await start(
      sparcish(),
      [
        S.ld(8, 1, at(0)),
        S.ld(9, 2, at(0)),
        S.sethi(4, PAGE_TABLE),
        S.st(16, 4, at(0)),
        S.st(16, 4, at(8)),
        S.flush(1),
        S.ld(10, 1, at(0)),
        S.ld(11, 2, at(0)),
        S.halt(),
      ].flat(),
    );
    m.setReg('r1', 0x1000_0000);
    m.setReg('r2', 0x1000_4000);
    m.setReg('r16', 0x3000b);
    m.put(PAGE_TABLE, [...be32(0x2000b), ...be32(0), ...be32(0x2000b)]);
    for (const [where, value] of [
      [0x2_0000, 1],
      [0x2_4000, 2],
      [0x3_0000, 3],
      [0x3_4000, 4],
    ] as const)
      m.put(where, be32(value));
    m.run();
    expect([8, 9, 10, 11].map((n) => m.reg(`r${n}`))).toEqual([1n, 2n, 3n, 4n]);
  });

  it('of large mappings go with a page near them, and stay with one 4 MiB away, however many there are', async () => {
    const large = Array.from({ length: 24 }, (_, k) => 0x1000_0000 + k * 0x0041_0000);
    const load = (rd: number, va: number): number[] => [S.sethi(1, va), S.ld(rd, 1, at(0))].flat();
    const sum = (rd: number): number[] => large.flatMap((va) => [load(8, va), S.add(rd, rd, 8)].flat());
    const flush = (va: number): number[] => [S.sethi(1, va), S.flush(1)].flat();
    const m = await start(
      sparcish(),
      [
        sum(9),
        S.sethi(4, PAGE_TABLE),
        large.flatMap((_, k) => S.st(16, 4, at(k * 32))),
        flush(0x1000_4000),
        load(10, large[0] ?? 0),
        load(11, large[1] ?? 0),
        large.flatMap((va) => flush(va + 0x6000)),
        sum(12),
        S.halt(),
      ].flat(),
    );
    m.setReg('r16', 0x3000b);
    m.put(
      PAGE_TABLE,
      large.flatMap(() => [...be32(0x2000b), ...new Array<number>(28).fill(0)]),
    );
    m.put(0x2_0000, be32(1));
    m.put(0x3_0000, be32(100));
    m.run();
    expect([9, 10, 11, 12].map((n) => m.reg(`r${n}`))).toEqual([24n, 100n, 1n, 2400n]);
  });

  it('of a mapping of 256 MiB all go when one of its pages is flushed', async () => {
    const m = await start(
      sparcish(),
      [S.ld(8, 1, at(0)), S.ld(9, 2, at(0)), S.sethi(4, PAGE_TABLE), S.st(16, 4, at(0x40))]
        .concat([S.flush(1), S.ld(10, 1, at(0)), S.ld(11, 2, at(0)), S.halt()])
        .flat(),
      { ramBytes: 8 * 2 ** 20 },
    );
    m.setReg('r1', 0x1002_0000);
    m.setReg('r2', 0x1042_0000);
    m.setReg('r16', 0x3_0003);
    m.put(PAGE_TABLE + 0x40, be32(0x13));
    for (const [where, value] of [
      [0x2_0000, 1],
      [0x42_0000, 2],
      [0x3_0000, 3],
    ] as const)
      m.put(where, be32(value));
    m.run();
    expect([8, 9, 10, 11].map((n) => m.reg(`r${n}`))).toEqual([1n, 2n, 3n, 3n]);
  });

  it('change with the memory map, for the code that changes it', async () => {
    // The page at 0x20_0000 shows bank 0 or bank 1 as the port says; the loop runs in it, in one page.
    const base = 0x1000_0000;
    let window: MemoryRegion | undefined;
    const banks: MemoryRegion[] = [];
    const m = await start(x86ish, jmp(0, base), {
      build(machine) {
        for (const n of [0, 1]) banks.push(MemoryRegion.ram(`bank${n}`, machine.space.allocateRam(`bank${n}`, 4096)));
        window = banks[0];
        for (const bank of banks) machine.map(base, bank);
        banks[1]?.setEnabled(false);
      },
      onPortWrite() {
        window?.setEnabled(false);
        window = banks[1 - banks.indexOf(window ?? (banks[0] as MemoryRegion))];
        window?.setEnabled(true);
      },
    });
    // loop: e0 += n; switch; jump loop. Bank 1 counts 16 and stops after the third round.
    const loop = (n: number): number[] => {
      const body = [
        ...movImm(2, n),
        X.add,
        rr(0, 2),
        ...movImm(1, PORT),
        X.store,
        rr(1, 2),
        X.sub,
        rr(3, 4),
        X.jz,
        ...i(5),
      ];
      return [...body, ...jmp(body.length, 0), X.hlt];
    };
    const fill = (n: number): void => {
      const block = banks[n]?.block;
      if (block !== undefined) m.machine.space.u8.set(loop(n === 0 ? 1 : 16), block.offset);
    };
    fill(0);
    fill(1);
    m.setReg('e3', 6);
    m.setReg('e4', 1);
    m.run(10_000);
    expect(m.writes.map((w) => w.split('=')[1])).toEqual(['1', '10', '1', '10', '1', '10']);
    expect(m.reg('e0')).toBe(51n);
  });
});

describe('devices', () => {
  it('in the middle of a block end it soon, and no instruction is counted twice', async () => {
    let asked = 0;
    const m = await start(
      x86ish,
      [
        ...movImm(1, PORT),
        X.store,
        rr(1, 0),
        ...movImm(2, 1),
        X.load,
        rr(5, 1),
        ...movImm(3, 1),
        ...jmp(22, 27),
        ...movImm(6, 1),
        X.hlt,
      ],
      {
        onPortWrite: (machine) => {
          asked++;
          machine.cpus[0]?.requestExit();
        },
      },
    );
    const first = m.cpu.execute(1000);
    expect([first, m.reg('e3'), m.reg('e6'), asked]).toEqual([6, 1n, 0n, 1]);
    expect(m.reg('e5')).toBe(0x11n);
    expect(m.cpu.execute(1000)).toBe(2);
    expect([m.cpu.instructionCount, m.reg('e6'), m.cpu.halted]).toEqual([8n, 1n, true]);
  });

  it('are written through ROM devices; ROM ignores writes', async () => {
    const [rom, flash] = [0x1000_0000, 0x1100_0000];
    const seen: string[] = [];
    let device: MemoryRegion | undefined;
    const m = await start(
      x86ish,
      [
        ...movImm(0, 0x55),
        ...movImm(1, rom),
        X.store,
        rr(1, 0),
        X.load,
        rr(2, 1),
        ...movImm(1, flash),
        X.load,
        rr(5, 1),
        X.store,
        rr(1, 0),
        X.load,
        rr(3, 1),
        X.hlt,
      ],
      {
        build(machine) {
          machine.map(rom, MemoryRegion.rom('rom', machine.space.allocateRam('rom', 4096)));
          device = MemoryRegion.romDevice('flash', machine.space.allocateRam('flash', 4096), {
            read: () => 0x80,
            write: (offset, size, value) => {
              seen.push(`${offset}:${size}=${value}`);
              device?.setRomdMode(false);
            },
          });
          machine.map(flash, device);
        },
      },
    );
    m.machine.addressSpace.writeRom(rom, Uint8Array.from(le32(0x11111111)));
    m.machine.addressSpace.writeRom(flash, Uint8Array.from(le32(0x22222222)));
    m.run();
    expect([m.reg('e2'), m.reg('e5'), m.reg('e3')]).toEqual([0x1111_1111n, 0x2222_2222n, 0x80n]);
    expect(seen).toEqual(['0:4=85']);
  });

  it('run code out of ROM, translated again when a loader writes it', async () => {
    const rom = 0x1000_0000;
    const m = await start(x86ish, jmp(0, rom), {
      build: (machine) => machine.map(rom, MemoryRegion.rom('rom', machine.space.allocateRam('rom', 4096))),
    });
    for (const n of [1, 2]) {
      m.machine.addressSpace.writeRom(rom, Uint8Array.from([...movImm(2, n), X.hlt]));
      again(m, 0);
      expect(m.reg('e2')).toBe(BigInt(n));
    }
  });
});

describe('pages that somebody watches', () => {
  it('are told of once each time they are clean, though stores to them were fast', async () => {
    const display = 0x10_0000;
    // for e0 = 100 downto 1: [e1] = e0
    const body = [X.store, rr(1, 0), X.sub, rr(0, 2), X.jz, ...i(5)];
    const m = await start(x86ish, [...body, ...jmp(body.length, 0), X.hlt]);
    const { space, addressSpace } = m.machine;
    const host = addressSpace.hostOffset(display, 4096, true);
    const told: number[] = [];
    space.onWriteFlagged((at, length, flags) => {
      if ((flags & PAGE_CLEAN_DISPLAY) !== 0) told.push(at - host, length);
    });
    m.setReg('e1', display + 8);
    m.setReg('e2', 1);
    for (let round = 0; round < 3; round++) {
      m.setReg('e0', 100);
      again(m, 0);
      expect(told).toEqual([]);
      space.raiseFlags(host, 4096, PAGE_CLEAN_DISPLAY);
      m.setReg('e0', 100);
      again(m, 0);
      expect(told.splice(0)).toEqual([8, 4]);
      expect(space.flagsAt(host)).toBe(0);
    }
  });
});

describe('logs', () => {
  it('show the code, the IR, the blocks executed, exceptions and interrupts', async () => {
    const log: string[] = [];
    const m = await start(x86ish, [X.mov, rr(1, 0), X.int], { log });
    m.put(0x1000, [X.hlt]);
    m.run();
    const of = (category: string): string[] =>
      log.filter((l) => l.startsWith(`${category}: `)).map((l) => l.slice(category.length + 2));
    expect(of('in_asm')).toEqual(['0x0:  op 2', '0x2:  op d', '0x1000:  op 0']);
    expect(of('exec')).toEqual(['cpu 0: block at 0x0', 'cpu 0: block at 0x1000']);
    expect(of('op')[0]).toBe(
      ['---- 0000000000000000 0 0', '%1 = get e0', 'set e1, %1', '---- 0000000000000002 0 0', 'raise 3, 0x0'].join(
        '\n',
      ),
    );
    m.cpu.setIrqLine(0, true);
    m.setReg('interruptsOn', 1);
    m.cpu.execute(10);
    expect(of('int')[0]).toBe('cpu 0: exception 3 value 0x0, pc=0x2 mode=0x0');
    expect(of('int').join()).toMatch(/interrupt, pc=0x1000/);
  });

  it('print every kind of statement readably', async () => {
    const { IrBuilder } = await import('@boardwalk/translator');
    const b = new IrBuilder();
    const { pc, mode } = x86ish.state.common;
    b.insnStart(0x80000000 | 0, 1, [5]);
    const address = b.add(b.get(pc), b.i64(16));
    const value = b.load(address, { size: 4, signed: true, mmu: 3, endian: 'big', align: 'natural' });
    b.if(
      b.ltS(value, b.i64(0)),
      () => b.store(address, b.neg(value), { size: 2 }),
      () => b.loop((leave) => leave(b.get(mode))),
    );
    b.atomicRmw('maxU', address, value, { size: 8 });
    b.probe(address, b.i32(8), { write: true, mmu: 1 });
    b.gotoIf(b.get(mode), 0x10, 0, 0x14, 0);
    expect(printIr(b.finish())).toMatchInlineSnapshot(`
      "---- 0000000180000000 5
      %1 = get pc
      %2 = add.i64 %1, 0x10
      %3 = load.i64.4s.big.natural %2 mmu=3
      %4 = ltS.i64 %3, 0x0
      if %4 {
        %5 = sub.i64 0x0, %3
        store.2 %2, %5 mmu=0
      } else {
        loop {
          %6 = get mode
          breakIf %6
        }
      }
      %7 = rmw.maxU.8 %2, %3 mmu=0
      probe.write %2, 8 mmu=1
      %8 = get mode
      gotoIf %8, 0x10, 0x14"
    `);
  });
});

describe('a snapshot taken half way', () => {
  const program = [
    H.addZ(1, 2),
    H.ldi(3, 0, 1),
    H.vadd(0, 2, 2),
    H.fd(0, 1, 0),
    H.stwm(1, 4, 4),
    H.addZ(5, 6),
    H.branch(0, 0, -7),
    H.halt(),
  ].flat();

  async function prepared(): Promise<TestMachine> {
    const m = await start(hppaish(), program);
    for (const [name, value] of Object.entries({
      g1: -100,
      g2: 1,
      g4: 0x1000,
      g5: -60,
      g6: 1,
      v0: 1n,
      v2: (9n << 96n) | 3n,
      d1: 0x3ff8_0000_0000_0000n,
    })) {
      m.setReg(name, value);
    }
    m.cpu.exactBudget = true;
    return m;
  }
  const state = (m: TestMachine): string[] =>
    m.cpu.frontend.state.fields.map((f) => `${f.slot.name}=${m.cpu.register(f.slot).toString(16)}`);

  it.each([1, 100, 101, 205])('after %i instructions comes to the same end', async (steps) => {
    const whole = await prepared();
    whole.run();
    const first = await prepared();
    expect(first.cpu.execute(steps)).toBe(steps);
    const saved = structuredClone(first.cpu.save());
    const second = await start(hppaish(), []);
    second.put(0, first.bytes(0, 0x4000));
    second.cpu.restore(saved);
    second.run();
    expect(state(second)).toEqual(state(whole));
    expect(second.bytes(0x1000, 512)).toEqual(whole.bytes(0x1000, 512));
    expect(second.cpu.instructionCount).toBe(whole.cpu.instructionCount);
    expect(whole.reg('v0')).toBe((540n << 96n) | 181n);
  });
});

describe('vCPUs in turn', () => {
  it.each([1, 7, 100])('lose no atomic increment with slices of %i', async (slice) => {
    // loop: e0 = [e1]; e2 = e0 + 1; cmpxchg [e1], e2; until it was stored; e3 times
    const loop = [X.load, rr(0, 1), X.mov, rr(2, 0), X.add, rr(2, 4), X.cmpxchg, rr(1, 2), X.jz, ...i(5)];
    const retry = [...loop, ...jmp(loop.length, 0)];
    const count = [...retry, X.sub, rr(3, 4), X.jz, ...i(5)];
    const m = await start(x86ish, [...count, ...jmp(count.length, 0), X.hlt], { cpus: 3 });
    const slot = (name: string) =>
      m.cpu.frontend.state.fields.find((f) => f.slot.name === name)?.slot ?? expect.fail(name);
    for (const cpu of m.cpus) {
      cpu.setRegister(slot('e1'), 0x5000n);
      cpu.setRegister(slot('e3'), 200n);
      cpu.setRegister(slot('e4'), 1n);
      cpu.exactBudget = true;
    }
    for (let n = 0; m.cpus.some((c) => !c.halted) && n < 100_000; n++) m.cpus[n % 3]?.execute(slice);
    expect(m.bytes(0x5000, 4)).toEqual(le32(600));
  });

  it('see code that another changes', async () => {
    const m = await start(x86ish, [...movImm(2, 1), X.hlt], { cpus: 2 });
    m.put(0x100, [X.storeImm8, rr(1), ...i(77), X.hlt]);
    const [a, b] = m.cpus;
    if (a === undefined || b === undefined) return;
    for (const cpu of [a, b]) cpu.execute(100);
    b.pc = 0x100n;
    const e1 = m.cpu.frontend.state.fields.find((f) => f.slot.name === 'e1')?.slot;
    if (e1 !== undefined) b.setRegister(e1, 2n);
    b.halted = false;
    b.execute(100);
    again(m, 0, a);
    expect(m.reg('e2')).toBe(77n);
  });
});

describe('a clock that counts instructions', () => {
  it('makes budgets exact', async () => {
    const clock = new VirtualClock(new InstructionClockSource());
    const m = await start(thumbish(), [T.add(0, 1), T.add(0, 1), T.add(0, 1), T.b(-4)].flat(), { clock });
    m.setReg('r1', 1);
    for (const n of [1, 2, 6, 101, 1001]) expect(m.cpu.execute(n)).toBe(n);
    expect(m.cpu.instructionCount).toBe(1111n);
  });
});

describe('more than 2 GiB of RAM', () => {
  it('is all within reach: code, data, the state of the vCPU', async () => {
    const log: string[] = [];
    const m = await start(x86ish, [...movImm(1, 0x7fff_fff0), X.store, rr(1, 1), ...jmp(8, 0x7fff_0000)], {
      ramBytes: 3 * 2 ** 30,
      log,
    });
    // With a 64-bit index it is guest memory alone that lies high.
    if (m.machine.space.indexBits === 32) expect(m.cpu.base).toBeGreaterThan(2 ** 31);
    const code = 0x7fff_0000;
    expect(m.machine.addressSpace.hostOffset(code, 1, false)).toBeGreaterThan(2 ** 31);
    // Patches the immediate that follows, calls a helper, raises.
    m.put(code, [
      ...movImm(4, 0x7fff_8000),
      X.push,
      rr(1),
      X.load,
      rr(5, 1),
      ...movImm(1, code + 6 + 2 + 2 + 6 + 6 + 2),
      X.storeImm8,
      rr(1),
      ...i(9),
      ...movImm(2, 1),
      X.add,
      rr(2, 2),
      X.jc,
      ...i(0),
      X.int,
    ]);
    m.put(0x1000, [X.hlt]);
    m.run();
    expect([m.reg('e2'), m.reg('e5'), m.reg('savedCode')]).toEqual([18n, 0x7fff_fff0n, 3n]);
    expect(m.bytes(0x7fff_7ffc, 4)).toEqual(le32(0x7fff_fff0));
    expect(log.filter((line) => line.startsWith('exec: ')).join()).toContain('exec: cpu 0: block at 0x7fff0000');
    again(m, 0);
    expect(m.reg('e2')).toBe(18n);
    expect(log.filter((line) => /block at 0x\?/.test(line))).toEqual([]);
    expect(m.reg('savedPc')).toBe(BigInt(code + 6 + 2 + 2 + 6 + 6 + 6 + 2 + 5));
  });
});
