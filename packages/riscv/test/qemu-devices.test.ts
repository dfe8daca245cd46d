// The same register accesses on QEMU's virt board (through its qtest protocol) and on our devices: the answers must agree.
// Runs where qemu-system-riscv64 is installed; its machine is stopped, so time stands still on both sides.
//
// Where QEMU 7.2 differs we follow the manuals, and the scripts keep clear of it: MCR is 0 after a reset and the modem status changes show
// in loopback (PC16550D, 8.6.7 and 8.6.8); the enable bit of source 0 does not exist, a claim ignores the threshold and completion of a disabled
// source is ignored (PLIC 1.0.0); mtimecmp is all ones after a reset, as in later versions of QEMU; a flash bank without an image is
// erased, its chips are 16 bits wide (interface code 1) and each has half of the bank's write buffer.

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { MemoryBlock, RamSpace } from '@boardwalk/core';
import {
  CfiPflash,
  FwCfg,
  GoldfishRtc,
  Ns16550a,
  SifiveTest,
  VirtConsole,
  VirtioBlk,
  VirtioMmio,
  VirtioSerial,
} from '@boardwalk/devices';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { place, type TestMachine, testMachine } from '../../devices/test/machine.ts';
import { machineAndSupervisorContexts, Plic, SifiveClint } from '../src/soc/index.ts';

const QEMU = 'qemu-system-riscv64';
const installed = spawnSync(QEMU, ['--version']).status === 0;

const UART = 0x1000_0000;
const PLIC = 0xc00_0000;
const CLINT = 0x200_0000;
const RTC = 0x10_1000;
const VIRTIO = 0x1000_8000;
const CONSOLE = 0x1000_7000;
const FLASH = 0x2000_0000;
const FW_CFG = 0x1010_0000;
const RAM = 0x8000_0000;
const MTIMECMP = CLINT + 0x4000;
const MTIME = CLINT + 0xbff8;

type Size = 1 | 2 | 4;
/** One step: a read to be compared, a write, or a wait for a disk. */
type Step = ['r', number, Size?] | ['w', number, number, Size?] | ['wait'];

/** QEMU behind its qtest protocol. */
class QTest {
  readonly #qemu: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];
  #waiting: ((line: string) => void) | undefined;

  constructor(args: string[]) {
    this.#qemu = spawn(QEMU, [...args, '-display', 'none', '-S', '-qtest', 'stdio', '-qtest-log', '/dev/null']);
    createInterface(this.#qemu.stdout).on('line', (line) => {
      if (line.startsWith('IRQ')) return;
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting) waiting(line);
      else this.#lines.push(line);
    });
  }

  async command(text: string): Promise<string> {
    this.#qemu.stdin.write(`${text}\n`);
    const line =
      this.#lines.shift() ??
      (await new Promise<string>((resolve) => {
        this.#waiting = resolve;
      }));
    if (!line.startsWith('OK')) throw new Error(`qtest ${text}: ${line}`);
    return line.slice(3);
  }

  async run(step: Step): Promise<number | undefined> {
    const letter = { 1: 'b', 2: 'w', 4: 'l' } as const;
    if (step[0] === 'r') return Number(await this.command(`read${letter[step[2] ?? 4]} ${step[1]}`));
    if (step[0] === 'w') await this.command(`write${letter[step[3] ?? 4]} ${step[1]} ${step[2] >>> 0}`);
    else await new Promise((resolve) => setTimeout(resolve, 30));
    return undefined;
  }

  close(): void {
    this.#qemu.kill();
  }
}

function runOurs(test: TestMachine, step: Step): number | undefined {
  const as = test.machine.addressSpace;
  if (step[0] === 'r') return as.load(step[1], step[2] ?? 4);
  if (step[0] === 'w') as.store(step[1], step[3] ?? 4, step[2] >>> 0);
  return undefined;
}

const DISK = Uint8Array.from({ length: 64 * 512 }, (_, i) => (i * 7 + (i >> 9)) & 0xff);

describe.skipIf(!installed)('devices of the virt board, against QEMU', () => {
  let qtest: QTest;
  let ours: TestMachine;
  const directory = mkdtempSync(join(tmpdir(), 'boardwalk-qtest-'));

  beforeAll(async () => {
    const disk = join(directory, 'disk.img');
    writeFileSync(disk, DISK);
    qtest = new QTest([
      '-M',
      'virt',
      '-m',
      '128',
      '-smp',
      '2',
      '-serial',
      'null',
      '-bios',
      'none',
      '-rtc',
      'base=2024-02-29T12:00:00,clock=vm',
      '-global',
      'virtio-mmio.force-legacy=false',
      '-drive',
      `if=none,id=d0,format=raw,file=${disk}`,
      '-device',
      'virtio-blk-device,drive=d0,serial=abc,bus=virtio-mmio-bus.7',
      '-device',
      'virtio-serial-device,bus=virtio-mmio-bus.6',
      '-chardev',
      'null,id=c0',
      '-device',
      'virtconsole,chardev=c0,name=first',
    ]);
    ours = await testMachine(
      (machine) => {
        const uart = place(machine, UART, new Ns16550a({ clockFrequency: 3_686_400 }));
        const plic = place(machine, PLIC, new Plic({ sources: 96, contexts: machineAndSupervisorContexts(2) }));
        uart.irq.connect(plic.input(10));
        place(machine, CLINT, new SifiveClint(2, 10_000_000));
        const rtc = place(machine, RTC, new GoldfishRtc());
        rtc.irq.connect(plic.input(11));
        place(machine, 0x10_0000, new SifiveTest());
        place(machine, FW_CFG, new FwCfg());
        const flash = { size: 0x200_0000, sectorSize: 0x4_0000, bankWidth: 4, deviceWidth: 2 } as const;
        machine.map(FLASH, machine.add(new CfiPflash({ name: 'virt.flash0', ...flash })).region);
        const transport = place(machine, VIRTIO, new VirtioMmio());
        transport.irq.connect(plic.input(8));
        const blk = new VirtioBlk();
        blk.setProperty('drive', new MemoryBlock(DISK.slice()));
        blk.setProperty('serial', 'abc');
        transport.plug(blk);
        machine.add(blk);
        const consoleTransport = place(machine, CONSOLE, new VirtioMmio());
        const serial = new VirtioSerial();
        consoleTransport.irq.connect(plic.input(7));
        consoleTransport.plug(serial);
        machine.add(serial);
        const port = new VirtConsole();
        port.setProperty('name', 'first');
        serial.bus.plug(port);
        machine.add(port);
      },
      { rtcBaseMs: Date.UTC(2024, 1, 29, 12), space: RamSpace.create({ bytes: 128 * 2 ** 20 }) },
    );
  });

  afterAll(async () => {
    qtest?.close();
    await ours?.machine.dispose();
    rmSync(directory, { recursive: true });
  });

  /** Runs a script on both and compares every read. */
  async function same(script: Step[]): Promise<void> {
    const answers = { qemu: [] as string[], ours: [] as string[] };
    for (const step of script) {
      const theirs = await qtest.run(step);
      const mine = runOurs(ours, step);
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (step[0] !== 'r') continue;
      answers.qemu.push(`${step[1].toString(16)}: ${theirs?.toString(16)}`);
      answers.ours.push(`${step[1].toString(16)}: ${mine?.toString(16)}`);
    }
    expect(answers.ours).toEqual(answers.qemu);
  }

  const r8 = (address: number): Step => ['r', address, 1];
  const w8 = (address: number, value: number): Step => ['w', address, value, 1];
  const r = (address: number): Step => ['r', address];
  const w = (address: number, value: number): Step => ['w', address, value];

  it('16550A and PLIC', () =>
    same([
      ...[1, 2, 3, 5, 6, 7].map((i) => r8(UART + i)),
      w8(UART + 3, 0x83),
      w8(UART, 3),
      w8(UART + 1, 0),
      r8(UART),
      r8(UART + 1),
      w8(UART + 3, 0x03),
      r8(UART + 3),
      w8(UART + 7, 0x5a),
      r8(UART + 7),
      w8(UART + 2, 0x01),
      r8(UART + 2),
      w(PLIC + 40, 7),
      r(PLIC + 40),
      w(PLIC + 0x2080, 0xffff_fffe),
      r(PLIC + 0x2080),
      w(PLIC + 0x20_1000, 0),
      r(PLIC + 0x1000),
      w8(UART + 1, 0x0f),
      r8(UART + 1),
      r8(UART + 2),
      r(PLIC + 0x1000),
      r(PLIC + 0x20_1004),
      r(PLIC + 0x1000),
      r(PLIC + 0x20_1004),
      r8(UART + 2),
      w(PLIC + 0x20_1004, 10),
      r(PLIC + 0x1000),
      w8(UART + 4, 0x1b),
      r8(UART + 4),
      r8(UART + 6),
      r8(UART + 6),
      w8(UART, 0x41),
      r8(UART + 5),
      r8(UART + 2),
      r8(UART),
      r8(UART + 5),
      w8(UART + 1, 0),
      w8(UART + 2, 0),
      r8(UART + 2),
      w8(UART + 4, 0),
    ]));

  it('PLIC registers', () =>
    same([
      w(PLIC + 4, 9),
      r(PLIC + 4),
      w(PLIC + 0x180, 0xff),
      r(PLIC + 0x180),
      w(PLIC, 1),
      r(PLIC),
      w(PLIC + 0x2000, 0xffff_fffe),
      r(PLIC + 0x2000),
      w(PLIC + 0x2004, 0x1234_5678),
      r(PLIC + 0x2004),
      w(PLIC + 0x20_2000, 5),
      r(PLIC + 0x20_2000),
      r(PLIC + 0x20_2004),
      r(PLIC + 0x1004),
      w(PLIC + 0x2000, 0),
      w(PLIC + 0x2004, 0),
      w(PLIC + 4, 0),
    ]));

  it('CLINT', () =>
    same([
      r(CLINT),
      w(CLINT + 4, 3),
      r(CLINT + 4),
      w(CLINT + 4, 0),
      w(MTIMECMP, 500),
      w(MTIMECMP + 4, 0),
      r(MTIMECMP),
      r(MTIMECMP + 4),
      r(MTIME),
      w(MTIME, 77),
      w(MTIME + 4, 3),
      r(MTIME),
      r(MTIME + 4),
      w(MTIMECMP, 0xffff_ffff),
      w(MTIMECMP + 4, 0xffff_ffff),
    ]));

  it('Goldfish RTC', () =>
    same([
      r(RTC),
      r(RTC + 4),
      w(RTC + 0x10, 1),
      r(RTC + 0x10),
      r(RTC + 0x18),
      w(RTC + 4, 0x1000),
      w(RTC, 0x2000),
      r(RTC),
      r(RTC + 4),
      w(RTC + 0xc, 0x1000),
      w(RTC + 8, 0x1_0000),
      r(RTC + 0x18),
      r(RTC + 8),
      r(RTC + 0xc),
      r(PLIC + 0x1000),
      w(RTC + 0x14, 0),
      r(RTC + 0x18),
      w(RTC + 8, 0),
      r(RTC + 0x18),
      r(PLIC + 0x1000),
      w(RTC + 0x1c, 1),
      w(RTC + 0x10, 0),
    ]));

  it('CFI flash', () => {
    const both = (offset: number, command: number): Step => w(FLASH + offset, command * 0x1_0001);
    const words = [0x1111_2222, 0x3333_4444, 0x5555_6666, 0x7777_8888];
    const query = Array.from({ length: 0x30 }, (_, i) => i + 0x10).filter((word) => word !== 0x28 && word !== 0x2a);
    return same([
      both(0x154, 0x98),
      ...query.map((word) => r(FLASH + 4 * word)),
      both(0, 0xff),
      both(0x4_0000, 0x20),
      both(0x4_0000, 0xd0),
      r(FLASH + 0x4_0000),
      both(0, 0xff),
      r(FLASH + 0x4_0000),
      r(FLASH + 0x7_fffc),
      both(0x4_0010, 0x40),
      w(FLASH + 0x4_0010, 0x1234_5678),
      r(FLASH + 0x4_0010),
      both(0x4_0010, 0x70),
      r(FLASH),
      both(0, 0xff),
      r(FLASH + 0x4_0010),
      both(0x4_0100, 0xe8),
      r(FLASH + 0x4_0100),
      both(0x4_0100, 3),
      ...words.map((word, i) => w(FLASH + 0x4_0100 + 4 * i, word)),
      both(0x4_0100, 0xd0),
      r(FLASH + 0x4_0100),
      both(0, 0x50),
      both(0, 0xff),
      ...words.map((_, i) => r(FLASH + 0x4_0100 + 4 * i)),
      r(FLASH + 0x4_0110),
    ]);
  });

  it('fw_cfg', () => {
    const request = RAM + 0x3_0000;
    const buffer = RAM + 0x3_0100;
    const big = (value: number): number => new DataView(Uint32Array.of(value).buffer).getUint32(0);
    /** A DMA request: its four words, big-endian, then the address to start it. */
    const dma = (control: number, length: number, address: number): Step[] => [
      ...[control, length, 0, address].map((word, i) => w(request + 4 * i, big(word))),
      w(FW_CFG + 16, 0),
      w(FW_CFG + 20, big(request)),
      r(request),
    ];
    const select = (key: number): Step => ['w', FW_CFG + 8, ((key & 0xff) << 8) | (key >> 8), 2];
    // biome-ignore format: a script
    return same([
      select(0), r(FW_CFG), r8(FW_CFG), select(1), r(FW_CFG), r(FW_CFG + 16), r(FW_CFG + 20),
      w(buffer, 0xeeee_eeee), w(buffer + 4, 0xeeee_eeee),
      ...dma(8 | 2, 3, buffer), r(buffer), ...dma(2, 3, buffer), r(buffer), r(buffer + 4),
      ...dma(8 | 4, 2, 0), ...dma(2, 1, buffer), r(buffer), ...dma(8 | 2, 4, 0x1000_0000_0000 % 2 ** 32), ...dma(8 | 16, 4, buffer),
    ]);
  });

  it('virtio console with ports', () => {
    const queues = [2, 3, 0, 1];
    const at = (queue: number): number => RAM + 0x4_0000 + 0x1_0000 * queue;
    const publish = (queue: number, head: number, count: number): Step[] => [
      ['w', at(queue) + 0x1004 + 2 * (count - 1), head, 2],
      ['w', at(queue) + 0x1002, count, 2],
      w(CONSOLE + 0x50, queue),
    ];
    const buffer = (queue: number, index: number): number => at(queue) + 0x3000 + 0x40 * index;
    const descriptor = (queue: number, index: number, length: number, flags: number): Step[] =>
      [buffer(queue, index), 0, length, flags].map((word, i) => w(at(queue) + 16 * index + 4 * i, word));
    /** A control message to the device. */
    const control = (n: number, port: number, event: number, value: number): Step[] => [
      ...descriptor(3, n, 8, 0),
      w(buffer(3, n), port),
      w(buffer(3, n) + 4, event | (value << 16)),
      ...publish(3, n, n + 1),
      ['wait'],
    ];
    const answers = (count: number): Step[] => [
      ['r', at(2) + 0x2002, 2],
      ...Array.from({ length: count }, (_, i) => [
        r(at(2) + 0x2004 + 8 * i),
        r(at(2) + 0x2008 + 8 * i),
        ...[0, 4, 8, 12].map((offset) => r(buffer(2, i) + offset)),
      ]).flat(),
    ];
    // biome-ignore format: a script
    return same([
      r(CONSOLE + 8), r(CONSOLE + 0x104),
      w(CONSOLE + 0x70, 3), w(CONSOLE + 0x24, 0), w(CONSOLE + 0x20, 2), w(CONSOLE + 0x24, 1), w(CONSOLE + 0x20, 1), w(CONSOLE + 0x70, 0xb),
      ...queues.flatMap((queue): Step[] => [
        w(CONSOLE + 0x30, queue), w(CONSOLE + 0x38, 8), w(CONSOLE + 0x80, at(queue)), w(CONSOLE + 0x90, at(queue) + 0x1000),
        w(CONSOLE + 0xa0, at(queue) + 0x2000), w(CONSOLE + 0x44, 1),
      ]),
      w(CONSOLE + 0x70, 0xf), r(CONSOLE + 0x70),
      ...[0, 1, 2, 3, 4, 5].flatMap((i) => [...descriptor(2, i, 0x40, 2), ...publish(2, i, i + 1)]),
      ...control(0, 0, 0, 1), ...answers(1),
      ...control(1, 0, 3, 1), ...answers(4),
      ...control(2, 0, 6, 1), ...answers(4),
      ...descriptor(1, 0, 5, 0), ...publish(1, 0, 1), ['wait'], ['r', at(1) + 0x2002, 2], r(at(1) + 0x2004), r(at(1) + 0x2008),
      w(CONSOLE + 0x70, 0), r(CONSOLE + 0x60),
    ]);
  });

  it('virtio-mmio and virtio-blk', () => {
    const [desc, avail, used, buffer] = [RAM + 0x1_0000, RAM + 0x1_1000, RAM + 0x1_2000, RAM + 0x2_0000];
    const descriptor = (index: number, address: number, length: number, flags: number, next: number): Step[] => [
      w(desc + 16 * index, address),
      w(desc + 16 * index + 4, 0),
      w(desc + 16 * index + 8, length),
      w(desc + 16 * index + 12, flags | (next << 16)),
    ];
    let available = 0;
    /** Three descriptors: header, data for the driver or the device, status. */
    const request = (type: number, sector: number, length: number, write: boolean): Step[] => [
      w(buffer, type),
      w(buffer + 4, 0),
      w(buffer + 8, sector),
      w(buffer + 12, 0),
      ...descriptor(0, buffer, 16, 1, 1),
      ...descriptor(1, buffer + 0x100, length, write ? 3 : 1, 2),
      ...descriptor(2, buffer + 0x1000, 1, 2, 0),
      ['w', avail + 4 + 2 * (available++ % 8), 0, 2],
      ['w', avail + 2, available, 2],
      w8(buffer + 0x1000, 0xee),
      w(VIRTIO + 0x50, 0),
      ['wait'],
    ];
    const answer: Step[] = [
      r8(buffer + 0x1000),
      ['r', used + 2, 2],
      r(used + 4),
      r(used + 8),
      r(buffer + 0x100),
      r(buffer + 0x1fc),
      r(VIRTIO + 0x60),
      r(PLIC + 0x1000),
      w(VIRTIO + 0x64, 1),
      r(VIRTIO + 0x60),
    ];
    return same([
      r(VIRTIO),
      r(VIRTIO + 4),
      r(VIRTIO + 8),
      r(VIRTIO + 12),
      w(VIRTIO + 0x14, 1),
      w(VIRTIO + 0x70, 1),
      w(VIRTIO + 0x70, 3),
      r(VIRTIO + 0x70),
      w(VIRTIO + 0x24, 0),
      w(VIRTIO + 0x20, 0x6244),
      w(VIRTIO + 0x24, 1),
      w(VIRTIO + 0x20, 1),
      w(VIRTIO + 0x70, 0xb),
      r(VIRTIO + 0x70),
      r(VIRTIO + 0x100),
      r(VIRTIO + 0x104),
      r(VIRTIO + 0x10c),
      r(VIRTIO + 0x114),
      r8(VIRTIO + 0x120),
      w(VIRTIO + 0x30, 0),
      r(VIRTIO + 0x44),
      w(VIRTIO + 0x38, 8),
      w(VIRTIO + 0x80, desc),
      w(VIRTIO + 0x84, 0),
      w(VIRTIO + 0x90, avail),
      w(VIRTIO + 0x94, 0),
      w(VIRTIO + 0xa0, used),
      w(VIRTIO + 0xa4, 0),
      w(VIRTIO + 0x44, 1),
      r(VIRTIO + 0x44),
      w(VIRTIO + 0x30, 1),
      r(VIRTIO + 0x34),
      w(VIRTIO + 0x70, 0xf),
      r(VIRTIO + 0x70),
      ...request(0, 3, 512, true),
      ...answer,
      w(buffer + 0x100, 0xdead_beef),
      ...request(1, 5, 512, false),
      ...answer,
      w(buffer + 0x100, 0),
      ...request(0, 5, 512, true),
      ...answer,
      ...request(0, 64, 512, true),
      r8(buffer + 0x1000),
      ...request(8, 0, 20, true),
      ...answer,
      ...request(99, 0, 512, true),
      r8(buffer + 0x1000),
      ...request(4, 0, 512, true),
      r8(buffer + 0x1000),
      w(VIRTIO + 0x70, 0),
      r(VIRTIO + 0x70),
      r(VIRTIO + 0x60),
      r(VIRTIO + 0x44),
    ]);
  });
});
