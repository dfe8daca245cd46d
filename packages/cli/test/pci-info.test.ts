// What monitors tell of PCI on a mainframe: the same answers as qemu-system-s390x 7.2 gives for this command line (`romfile=` there, as ours have none).

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-pci-'));
afterAll(() => rmSync(folder, { recursive: true }));

const INFO = `  Bus  0, device   0, function 0:
    Class 0255: PCI device 1af4:1044
      PCI subsystem 1af4:1100
      IRQ 0, pin A
      BAR1: 32 bit memory at 0xffffffffffffffff [0x00000ffe].
      BAR4: 64 bit prefetchable memory at 0xffffffffffffffff [0x00003ffe].
      id "auto_00:00.0"
  Bus  0, device   1, function 0:
    SCSI controller: PCI device 1af4:1004
      PCI subsystem 1af4:0008
      IRQ 0, pin A
      BAR0: I/O at 0xffffffffffffffff [0x003e].
      BAR1: 32 bit memory at 0xffffffffffffffff [0x00000ffe].
      BAR4: 64 bit prefetchable memory at 0xffffffffffffffff [0x00003ffe].
      id "scsi"
  Bus  0, device   5, function 0:
    Class 1920: PCI device 1af4:1003
      PCI subsystem 1af4:0003
      IRQ 0, pin A
      BAR0: I/O at 0xffffffffffffffff [0x003e].
      BAR1: 32 bit memory at 0xffffffffffffffff [0x00000ffe].
      BAR4: 64 bit prefetchable memory at 0xffffffffffffffff [0x00003ffe].
      id "auto_00:05.0"
`;

it('tells buses, functions and their windows', async () => {
  const socket = join(folder, 'qmp');
  const devices = ['virtio-rng-pci,disable-legacy=on', 'virtio-scsi-pci,id=scsi', 'virtio-serial-pci,addr=5'];
  const { ended } = startProgram(
    [
      ...['-nodefaults', '-display', 'none', '-bios', 'none', '-S', '-qmp', `unix:${socket},server=on,wait=off`],
      ...devices.flatMap((device) => ['-device', device]),
    ],
    's390x',
  );
  const qmp = await QmpClient.connect(socket);
  const told = (await qmp.command('human-monitor-command', { 'command-line': 'info pci' })).return;
  expect(String(told).replaceAll('\r', '')).toBe(INFO);
  const memory = (bar: number, size: number, is64Bit: boolean) => ({
    bar,
    type: 'memory',
    address: -1,
    size,
    prefetch: is64Bit,
    mem_type_64: is64Bit,
  });
  const [bus] = (await qmp.command('query-pci')).return as { bus: number; devices: unknown[] }[];
  expect(bus?.devices[1]).toEqual({
    bus: 0,
    slot: 1,
    function: 0,
    class_info: { class: 256, desc: 'SCSI controller' },
    id: { device: 0x1004, vendor: 0x1af4, subsystem: 8, 'subsystem-vendor': 0x1af4 },
    irq: 0,
    irq_pin: 1,
    qdev_id: 'scsi',
    regions: [{ bar: 0, type: 'io', address: -1, size: 64 }, memory(1, 4096, false), memory(4, 16384, true)],
  });
  await qmp.command('quit');
  expect(await ended).toMatchObject({ status: 0, err: '' });
});

/** As qemu-system-s390x shows it, without properties. */
const TREE = `dev: s390-pcihost, id ""
  bus: s390-pcibus.0
    type s390-pcibus
    dev: zpci, id ""
    dev: zpci, id ""
  bus: pci.0
    type PCI
    dev: virtio-scsi-pci, id "s"
      class SCSI controller, addr 00:01.0, pci id 1af4:1004 (sub 1af4:0008)
      bar 0: i/o at 0xffffffffffffffff [0x3e]
      bar 1: mem at 0xffffffffffffffff [0xffe]
      bar 4: mem at 0xffffffffffffffff [0x3ffe]
      bus: virtio-bus
        type virtio-pci-bus
        dev: virtio-scsi-device, id ""
          bus: s.0
            type SCSI
            dev: scsi-hd, id ""
    dev: virtio-rng-pci, id "r"
      class Class 00ff, addr 00:00.0, pci id 1af4:1005 (sub 1af4:0004)
      bar 0: i/o at 0xffffffffffffffff [0x1e]
      bar 1: mem at 0xffffffffffffffff [0xffe]
      bar 4: mem at 0xffffffffffffffff [0x3ffe]
      bus: virtio-bus
        type virtio-pci-bus
        dev: virtio-rng-device, id ""
`;

it('shows functions on their bus with what is behind them, whose buses have the name of the function', async () => {
  const socket = join(folder, 'tree');
  const image = join(folder, 'image');
  writeFileSync(image, new Uint8Array(4096));
  const devices = ['virtio-rng-pci,id=r', 'virtio-scsi-pci,id=s', 'scsi-hd,bus=s.0,drive=x', 'virtio-scsi-ccw,id=c'];
  const { ended } = startProgram(
    [
      ...['-nodefaults', '-display', 'none', '-bios', 'none', '-S', '-qmp', `unix:${socket},server=on,wait=off`],
      ...['-drive', `if=none,id=x,file=${image},format=raw`],
      ...devices.flatMap((device) => ['-device', device]),
    ],
    's390x',
  );
  const qmp = await QmpClient.connect(socket);
  const told = String((await qmp.command('human-monitor-command', { 'command-line': 'info qtree' })).return);
  const lines = told.split('\r\n').filter((line) => !/^ *[\w.-]+ = |^ *gpio/.test(line));
  const first = lines.indexOf('  dev: s390-pcihost, id ""');
  const tree = lines.slice(first, first + TREE.split('\n').length - 1).map((line) => `${line.slice(2)}\n`);
  expect(tree.join('')).toBe(TREE);
  expect(lines.filter((line) => /^ +bus: c\.0$/.test(line))).toHaveLength(1);
  expect(lines.filter((line) => /^ {2}dev: (SCSI|PCI|virtual-css-bus|virtio-)/.test(line))).toEqual([]);
  await qmp.command('quit');
  expect(await ended).toMatchObject({ status: 0, err: '' });
});
