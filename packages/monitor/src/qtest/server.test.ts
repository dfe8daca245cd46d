import { type BoardDefinition, Device, MemoryRegion, MiB, noneBoard, PipeChar, type RegionOps } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { type TestOptions, testEmulator } from '../fixtures.ts';
import { serveQtest } from './server.ts';

/** Reads back inverted what was written, in its own order of bytes; a timer raises its output; inputs are passed on. */
class Gadget extends Device {
  static override readonly typeName: string = 'gadget';
  value = 0;

  override realize(): void {
    const ops: RegionOps = {
      endianness: 'little',
      read: () => ~this.value >>> 0,
      write: (_offset, _size, value) => {
        this.value = value;
        const irq = this.output();
        this.machine.clock.timer(() => irq.raise()).arm(this.machine.clock.now() + value);
      },
      impl: { min: 4, max: 4 },
    };
    this.addRegion(MemoryRegion.io('gadget', 0x1000, ops));
    const irq = this.addOutput();
    this.addInputs(4, (level, index) => index === 3 && irq.set(level));
  }
}

const board: BoardDefinition = {
  ...noneBoard('riscv64'),
  name: 'bench',
  defaultRamSize: MiB(1),
  build(machine) {
    machine.map(0x8000_0000, machine.ram);
    const gadget = machine.add(new Gadget(), 'gadget');
    machine.add(new Gadget(), 'other');
    for (const region of gadget.regions) machine.map(0x1000_0000, region);
  },
};

async function qtest(options: TestOptions = {}) {
  const emulator = await testEmulator({ board, ...options });
  const pipe = new PipeChar();
  const log: string[] = [];
  const session = serveQtest(emulator, pipe, { log: (line) => log.push(line) });
  /** Lines that come in answer. */
  const ask = (...lines: string[]): string[] => {
    const before = pipe.sent.length;
    for (const line of lines) pipe.send(`${line}\n`);
    return pipe.sent.slice(before).split('\n').slice(0, -1);
  };
  return { emulator, pipe, ask, log, session };
}

describe('qtest', () => {
  // What qemu-system-riscv64 answers to the same lines, where RAM is at 2 GiB.
  it.each([
    [['endianness'], ['OK little']],
    [
      ['writel 0x80000000 0x12345678', 'readl 2147483648', 'readw 0x80000000', 'readb 0x80000003'],
      ['OK', 'OK 0x0000000012345678', 'OK 0x0000000000005678', 'OK 0x0000000000000012'],
    ],
    [
      ['writeb 0x80000010 0x1ff', 'readq 0x80000010'],
      ['OK', 'OK 0x00000000000000ff'],
    ],
    [
      ['writeq 0x80000001 0x0102030405060708', 'read 0x80000000 10'],
      ['OK', 'OK 0x00080706050403020100'],
    ],
    [
      ['write 0x80000010 4 0x0102', 'read 0x80000010 4'],
      ['OK', 'OK 0x01020000'],
    ],
    [
      ['write 0x80000010 2 0x01020304', 'read 0x80000010 4'],
      ['OK', 'OK 0x01020000'],
    ],
    [
      ['b64write 0x80000010 4 AQIDBA==', 'b64read 0x80000010 4'],
      ['OK', 'OK AQIDBA=='],
    ],
    [
      ['memset 0x80000010 8 0xaa', 'read 0x8000000f 10'],
      ['OK', 'OK 0x00aaaaaaaaaaaaaaaa00'],
    ],
    [['memset 0x80000010 0 0xaa'], ['OK']],
    [
      ['readb 020000000000', '  readl   0x80000000  '],
      ['OK 0x0000000000000000', 'OK 0x0000000000000000'],
    ],
    [
      ['readb 0xffffffffffffffff', 'writeb 0xffffffffffffffff 1'],
      ['OK 0x0000000000000000', 'OK'],
    ],
    [
      ['inb 0x60', 'inw 0x60', 'inl 0x60', 'outb 0x60 1'],
      ['OK 0x00ff', 'OK 0xffff', 'OK 0xffffffff', 'OK'],
    ],
    [
      ['foo', 'rtas a b'],
      ["FAIL Unknown command 'foo'", "FAIL Unknown command 'rtas'"],
    ],
    [['irq_intercept_in /machine/nope'], ['FAIL Unknown device']],
    [['', '\r'], []],
  ])('answers %j', async (lines, answers) => {
    expect((await qtest()).ask(...lines)).toEqual(answers);
  });

  it.each([
    'readl',
    'readl zz',
    'readl 0x10000000000000000',
    'read 0x80000000 0',
    'read 0x80000000 0xfffffffff',
    'write 0x80000000 4',
    'write 0x80000000 4 01020304',
    'write 0x80000000 1 0xzz',
    'b64write 0x80000000 4 ***',
    'memset 0 0xffffffffffffff 0',
    'inb 0x10000',
    'clock_set never',
    'clock_step -1',
    'set_irq_in gadget in 9 1',
    'set_irq_in gadget frob 0 1',
    'irq_intercept_in gadget frob',
    'module_load a b',
  ])('refuses %s', async (line) => {
    const { ask } = await qtest();
    expect(ask(line, 'endianness')).toEqual([expect.stringMatching(/^FAIL ./), 'OK little']);
  });

  it('takes accesses of several bytes in the order of the guest', async () => {
    const { ask } = await qtest({ emulator: { arch: 's390x' } });
    expect(ask('endianness', 'writel 0x80000000 0x01020304', 'read 0x80000000 4', 'readw 0x80000002')).toEqual([
      'OK big',
      'OK',
      'OK 0x01020304',
      'OK 0x0000000000000304',
    ]);
  });

  it('has time and its timers in its hands', async () => {
    const { ask } = await qtest();
    expect(ask('clock_step 100', 'clock_set 50', 'clock_set 1000', 'clock_step')).toEqual([
      'OK 100',
      'OK 100',
      'OK 1000',
      'OK 1000',
    ]);
    expect(ask('irq_intercept_out gadget', 'writel 0x10000000 500', 'clock_step 499', 'clock_step')).toEqual([
      'OK',
      'OK',
      'OK 1499',
      'IRQ raise 0',
      'OK 1500',
    ]);
    expect(ask('readl 0x10000000')).toEqual(['OK 0x00000000fffffe0b']);
  });

  it('leaves time to a machine that runs', async () => {
    const { ask } = await qtest({ machine: { accel: 'tcg' } });
    expect(ask('clock_step 1')).toEqual(["FAIL Unknown command 'clock_step'"]);
  });

  it('watches one device, found by a part of its path, and drives inputs', async () => {
    const { ask, session, emulator } = await qtest();
    expect(ask('irq_intercept_in gadget', 'irq_intercept_in /machine/gadget', 'irq_intercept_out other')).toEqual([
      'OK',
      'OK',
      'FAIL IRQ intercept already enabled',
    ]);
    expect(
      ask('set_irq_in gadget unnamed-gpio-in 3 1', 'set_irq_in gadget in 3 0x1', 'set_irq_in gadget in 3 0'),
    ).toEqual(['IRQ raise 3', 'OK', 'OK', 'IRQ lower 3', 'OK']);
    expect(ask('set_irq_in other in 3 1')).toEqual(['OK']);
    session.close();
    const gadget = emulator.machine.children.get('gadget');
    if (gadget instanceof Device) gadget.input(3).set(true);
    expect(ask('endianness')).toEqual([]);
  });

  it('takes lines as they are cut, logs them, and forgets half a line when its client goes', async () => {
    const { pipe, ask, log } = await qtest();
    for (const piece of 'endian,ness\nfo'.split(',')) pipe.send(piece);
    expect(pipe.sent).toBe('OK little\n');
    expect(ask('o')).toEqual(["FAIL Unknown command 'foo'"]);
    expect(log.map((line) => line.replace(/\+\d+\.\d{6}/, 'T'))).toEqual([
      '[I 0.000000] OPENED',
      '[R T] endianness',
      '[S T] OK little',
      '[R T] foo',
      "[S T] FAIL Unknown command 'foo'",
    ]);
  });

  it('answers a line without an end, and goes on', async () => {
    const { pipe, ask } = await qtest();
    const piece = new Uint8Array(1 << 20).fill(0x41);
    for (let i = 0; i < 140; i++) pipe.send(piece);
    expect(ask('', 'endianness')).toEqual(['FAIL the line is too long', 'OK little']);
  });
});
