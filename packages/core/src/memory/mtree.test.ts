import { expect, test } from 'vitest';
import { Container } from '../object/index.ts';
import {
  AddressSpace,
  formatFlatViews,
  formatMemoryTree,
  MemoryRegion,
  RamSpace,
  type RegionOps,
  WHOLE_SPACE,
} from './index.ts';

const ops: RegionOps = { read: () => 0, write: () => 0 };
const GIB = 2 ** 30;

/** A part of the memory map of QEMU 7.2's RISC-V `virt` machine. */
function virt() {
  const space = RamSpace.create({ bytes: 1 << 20 });
  const system = MemoryRegion.container('system', WHOLE_SPACE);
  const io = MemoryRegion.io('io', 0x10000, ops);
  const block = (name: string) => space.allocateRam(name, 0x1000);
  const ioports = MemoryRegion.container('gpex_ioport_window', 0x10000);
  const mmio = MemoryRegion.io('gpex_mmio_window', WHOLE_SPACE, ops);
  const ecam = MemoryRegion.io('pcie-mmcfg-mmio', 0x1000_0000, ops);
  const alias = MemoryRegion.alias('pcie-mmio', mmio, 0x4000_0000, GIB);
  const busMaster = MemoryRegion.container('bus master container', WHOLE_SPACE);
  const toSystem = MemoryRegion.alias('bus master', system, 0, WHOLE_SPACE);
  busMaster.addSubregion(0, toSystem);
  toSystem.setEnabled(false);
  ioports.addSubregion(0, MemoryRegion.io('gpex_ioport', 0x10000, ops));
  system.addSubregion(0x8000_0000, MemoryRegion.ram('riscv_virt_board.ram', block('ram')));
  system.addSubregion(0x1000, MemoryRegion.rom('riscv_virt_board.mrom', block('mrom')));
  system.addSubregion(0x2000_0000, MemoryRegion.romDevice('virt.flash0', block('flash'), ops));
  system.addSubregion(0x1000_0000, MemoryRegion.io('serial', 8, ops));
  system.addSubregion(0x300_0000, ioports);
  system.addSubregion(0x3000_0000, MemoryRegion.alias('pcie-ecam', ecam, 0, 0x1000_0000));
  system.addSubregion(0x4000_0000, alias);
  const names: [string, MemoryRegion][] = [
    ['memory', system],
    ['I/O', io],
    ['gpex-root', busMaster],
    ['cpu-memory-0', system],
  ];
  return { system, spaces: names.map(([name, root]) => new AddressSpace(name, root, space)) };
}

test('the tree is printed as QEMU prints it', () => {
  expect(formatMemoryTree(virt().spaces)).toBe(`address-space: cpu-memory-0
address-space: memory
  0000000000000000-ffffffffffffffff (prio 0, i/o): system
    0000000000001000-0000000000001fff (prio 0, rom): riscv_virt_board.mrom
    0000000003000000-000000000300ffff (prio 0, i/o): gpex_ioport_window
      0000000003000000-000000000300ffff (prio 0, i/o): gpex_ioport
    0000000010000000-0000000010000007 (prio 0, i/o): serial
    0000000020000000-0000000020000fff (prio 0, romd): virt.flash0
    0000000030000000-000000003fffffff (prio 0, i/o): alias pcie-ecam @pcie-mmcfg-mmio 0000000000000000-000000000fffffff
    0000000040000000-000000007fffffff (prio 0, i/o): alias pcie-mmio @gpex_mmio_window 0000000040000000-000000007fffffff
    0000000080000000-0000000080000fff (prio 0, ram): riscv_virt_board.ram

address-space: I/O
  0000000000000000-000000000000ffff (prio 0, i/o): io

address-space: gpex-root
  0000000000000000-ffffffffffffffff (prio 0, i/o): bus master container

memory-region: pcie-mmcfg-mmio
  0000000000000000-000000000fffffff (prio 0, i/o): pcie-mmcfg-mmio

memory-region: gpex_mmio_window
  0000000000000000-ffffffffffffffff (prio 0, i/o): gpex_mmio_window

memory-region: system
  0000000000000000-ffffffffffffffff (prio 0, i/o): system
    0000000000001000-0000000000001fff (prio 0, rom): riscv_virt_board.mrom
    0000000003000000-000000000300ffff (prio 0, i/o): gpex_ioport_window
      0000000003000000-000000000300ffff (prio 0, i/o): gpex_ioport
    0000000010000000-0000000010000007 (prio 0, i/o): serial
    0000000020000000-0000000020000fff (prio 0, romd): virt.flash0
    0000000030000000-000000003fffffff (prio 0, i/o): alias pcie-ecam @pcie-mmcfg-mmio 0000000000000000-000000000fffffff
    0000000040000000-000000007fffffff (prio 0, i/o): alias pcie-mmio @gpex_mmio_window 0000000040000000-000000007fffffff
    0000000080000000-0000000080000fff (prio 0, ram): riscv_virt_board.ram

`);
});

test('the flat views are printed as QEMU prints them', () => {
  expect(formatFlatViews(virt().spaces)).toBe(`FlatView #0
 AS "memory", root: system
 AS "cpu-memory-0", root: system
 Root memory region: system
  0000000000001000-0000000000001fff (prio 0, rom): riscv_virt_board.mrom
  0000000003000000-000000000300ffff (prio 0, i/o): gpex_ioport
  0000000010000000-0000000010000007 (prio 0, i/o): serial
  0000000020000000-0000000020000fff (prio 0, romd): virt.flash0
  0000000030000000-000000003fffffff (prio 0, i/o): pcie-mmcfg-mmio
  0000000040000000-000000007fffffff (prio 0, i/o): gpex_mmio_window @0000000040000000
  0000000080000000-0000000080000fff (prio 0, ram): riscv_virt_board.ram

FlatView #1
 AS "I/O", root: io
 Root memory region: io
  0000000000000000-000000000000ffff (prio 0, i/o): io

FlatView #2
 AS "gpex-root", root: bus master container
 Root memory region: (none)
  No rendered FlatView

`);
});

test('regions that are switched off, and owners, are shown when asked for', () => {
  const { system, spaces } = virt();
  const machine = new Container().addChild('machine', new Container());
  machine.addChild('system', system);
  const text = formatMemoryTree(spaces[2] ? [spaces[2]] : [], { disabled: true, owner: true });
  expect(text).toContain(
    '    0000000000000000-ffffffffffffffff (prio 0, i/o): alias bus master @system 0000000000000000-ffffffffffffffff [disabled] orphan\n',
  );
  expect(text).toContain('  0000000000000000-ffffffffffffffff (prio 0, i/o): system parent:{obj path=/machine}\n');
});

test('a bus master that sees all of memory shares the view of memory', () => {
  const { system, spaces } = virt();
  const [memory] = spaces;
  if (!memory) throw new Error('no address space');
  const root = MemoryRegion.container('bus master container', WHOLE_SPACE);
  root.addSubregion(0, MemoryRegion.alias('bus master', system, 0, WHOLE_SPACE));
  const text = formatFlatViews([memory, new AddressSpace('virtio-blk', root, memory.space)]);
  expect(text.startsWith(' AS "virtio-blk", root: bus master container', text.indexOf('\n AS "v') + 1)).toBe(true);
  expect(text.match(/FlatView #/g)).toHaveLength(1);
});

test('one address space can be printed alone', () => {
  const [memory] = virt().spaces;
  if (!memory) throw new Error('no address space');
  expect(formatMemoryTree(memory)).toMatch(/^address-space: memory\n/);
});
