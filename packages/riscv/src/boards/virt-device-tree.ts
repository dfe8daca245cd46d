/**
 * The device tree of the `virt` board. Bindings: Linux Documentation/devicetree/bindings (riscv/cpus.yaml,
 * riscv/extensions.yaml, timer/sifive,clint.yaml, interrupt-controller/sifive,plic-1.0.0.yaml, firmware/qemu,fw-cfg-mmio.yaml).
 */
import { FdtBuilder, type FdtNode, type NumaConfiguration } from '@boardwalk/core';
import { FINISHER_PASS, FINISHER_RESET } from '@boardwalk/devices';
import { addDistanceMap, addMemoryNodes, setNumaNode } from '@boardwalk/numa';
import { IRQ_MEI, IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI } from '../cpu/bits.ts';
import { type CpuConfig, isaExtensions, isaString, mmuType } from '../cpu/models.ts';
import { CLINT_MTIME, SWI_SIZE } from '../soc/aclint.ts';
import {
  FLASH_BANK_WIDTH,
  type MapEntry,
  PLIC_SOURCES,
  TIMEBASE_FREQUENCY,
  UART_CLOCK,
  VIRT_IRQ,
  VIRT_MAP,
  VIRTIO_SLOTS,
  virtioSlot,
} from './virt-map.ts';
import { type VirtSocket, virtioSocket, virtSockets } from './virt-sockets.ts';

/** What differs between two `virt` machines. */
export interface VirtDescription {
  readonly cpu: CpuConfig;
  readonly harts: number;
  /** Bytes. */
  readonly ramSize: number;
  /** Its nodes are sockets. */
  readonly numa?: NumaConfiguration | undefined;
  /** There is an ACLINT in place of the CLINT. */
  readonly aclint?: boolean;
}

/** What the user gave to the kernel. */
export interface ChosenOptions {
  readonly append: string | undefined;
  readonly initrd: { readonly start: number; readonly end: number } | undefined;
  /** Entropy for the kernel. */
  readonly rngSeed: Uint8Array;
}

const hex = (n: number): string => n.toString(16);

/** A node named after its address, with its `reg`. */
function deviceNode(parent: FdtNode, name: string, { base, size }: MapEntry): FdtNode {
  return parent.child(`${name}@${hex(base)}`).prop('reg', [BigInt(base), BigInt(size)]);
}

/** A device of a socket, which is on its node. */
function onNode(node: FdtNode, socket: VirtSocket): FdtNode {
  if (socket.node !== undefined) setNumaNode(node, socket.node);
  return node;
}

/** The harts; gives the phandles of their interrupt controllers, by hart. */
function addCpus(root: FdtNode, { cpu }: VirtDescription, sockets: readonly VirtSocket[]): number[] {
  const cpus = root.child('cpus').prop('#address-cells', [1]).prop('#size-cells', [0]);
  cpus.prop('timebase-frequency', [TIMEBASE_FREQUENCY]);
  const mmu = mmuType(cpu);
  const controllers: number[] = [];
  for (const socket of sockets) {
    const cluster = cpus.node(`cpu-map/cluster${socket.index}`);
    for (let core = 0; core < socket.harts; core++) {
      const hart = socket.firstHart + core;
      const node = onNode(cpus.child(`cpu@${hex(hart)}`), socket);
      cluster.child(`core${core}`).prop('cpu', [node.phandle()]);
      node.prop('device_type', 'cpu').prop('reg', [hart]).prop('status', 'okay').prop('compatible', 'riscv');
      node
        .prop('riscv,isa', isaString(cpu))
        .prop('riscv,isa-base', 'rv64i')
        .prop('riscv,isa-extensions', isaExtensions(cpu));
      if (mmu !== undefined) node.prop('mmu-type', mmu);
      const controller = node.child('interrupt-controller');
      controller.prop('#interrupt-cells', [1]).prop('interrupt-controller', true).prop('compatible', 'riscv,cpu-intc');
      controllers[hart] = controller.phandle();
    }
  }
  return controllers;
}

/** The ACLINT of a socket, whose harts have these interrupt controllers. */
function addAclint(soc: FdtNode, socket: VirtSocket, own: readonly number[]): void {
  const { base, size } = socket.clint;
  for (const [name, irq, entry] of [
    ['mswi', IRQ_MSI, { base, size: SWI_SIZE }],
    ['sswi', IRQ_SSI, socket.sswi],
  ] as const) {
    onNode(deviceNode(soc, name, entry), socket)
      .prop('compatible', `riscv,aclint-${name}`)
      .prop('#interrupt-cells', [0])
      .prop('interrupt-controller', true)
      .prop(
        'interrupts-extended',
        own.flatMap((intc) => [intc, irq]),
      );
  }
  // Two places: mtime, with what is left of the CLINT's behind it, and the compare registers before it.
  const timer = { base: base + SWI_SIZE, size: size - SWI_SIZE };
  onNode(deviceNode(soc, 'mtimer', timer), socket)
    .prop('compatible', 'riscv,aclint-mtimer')
    .prop('reg', [timer.base + CLINT_MTIME, timer.size - CLINT_MTIME, timer.base, CLINT_MTIME].map(BigInt))
    .prop(
      'interrupts-extended',
      own.flatMap((intc) => [intc, IRQ_MTI]),
    );
}

function addClint(soc: FdtNode, socket: VirtSocket, own: readonly number[]): void {
  onNode(deviceNode(soc, 'clint', socket.clint), socket)
    .prop('compatible', ['sifive,clint0', 'riscv,clint0'])
    .prop(
      'interrupts-extended',
      own.flatMap((intc) => [intc, IRQ_MSI, intc, IRQ_MTI]),
    );
}

/** Interrupt controllers and timer of a socket; gives the phandle of the PLIC. */
function addSocket(soc: FdtNode, socket: VirtSocket, controllers: readonly number[], aclint: boolean): number {
  const own = controllers.slice(socket.firstHart, socket.firstHart + socket.harts);
  if (aclint) addAclint(soc, socket, own);
  else addClint(soc, socket, own);
  return onNode(deviceNode(soc, 'plic', socket.plic), socket)
    .prop('compatible', ['sifive,plic-1.0.0', 'riscv,plic0'])
    .prop('#address-cells', [0])
    .prop('#interrupt-cells', [1])
    .prop('interrupt-controller', true)
    .prop(
      'interrupts-extended',
      own.flatMap((intc) => [intc, IRQ_MEI, intc, IRQ_SEI]),
    )
    .prop('riscv,ndev', [PLIC_SOURCES])
    .phandle();
}

/** Adds the interrupt of a device behind the PLIC. */
function interrupt(node: FdtNode, plic: number, source: number): void {
  node.prop('interrupt-parent', [plic]).prop('interrupts', [source]);
}

function addDevices(soc: FdtNode, plic: number, virtioPlic: number): void {
  // The last slot first: that is the order in which slots are given to devices.
  for (let slot = VIRTIO_SLOTS - 1; slot >= 0; slot--) {
    const node = deviceNode(soc, 'virtio_mmio', virtioSlot(slot)).prop('compatible', 'virtio,mmio');
    interrupt(node, virtioPlic, VIRT_IRQ.virtio + slot);
  }
  const uart = deviceNode(soc, 'serial', VIRT_MAP.uart0).prop('compatible', 'ns16550a');
  interrupt(uart.prop('clock-frequency', [UART_CLOCK]), plic, VIRT_IRQ.uart0);
  interrupt(deviceNode(soc, 'rtc', VIRT_MAP.rtc).prop('compatible', 'google,goldfish-rtc'), plic, VIRT_IRQ.rtc);
}

/** The finisher, and how software turns the machine off and restarts it. */
function addReset(root: FdtNode, soc: FdtNode): void {
  const test = deviceNode(soc, 'test', VIRT_MAP.test).prop('compatible', ['sifive,test1', 'sifive,test0', 'syscon']);
  for (const [name, value] of [
    ['poweroff', FINISHER_PASS],
    ['reboot', FINISHER_RESET],
  ] as const) {
    root
      .child(name)
      .prop('compatible', `syscon-${name}`)
      .prop('regmap', [test.phandle()])
      .prop('offset', [0])
      .prop('value', [value]);
  }
}

/** The tree of the hardware, without what the user gave to the kernel. */
export function virtDeviceTree(description: VirtDescription): FdtBuilder {
  const tree = new FdtBuilder();
  const { root } = tree;
  root.prop('#address-cells', [2]).prop('#size-cells', [2]);
  root.prop('compatible', 'riscv-virtio').prop('model', 'riscv-virtio,qemu');
  root.child('chosen').prop('stdout-path', `/soc/serial@${hex(VIRT_MAP.uart0.base)}`);
  const { ramSize: size, numa, aclint = false } = description;
  const sockets = virtSockets(numa, description.harts);
  if (numa !== undefined && numa.nodes.length > 0) {
    addMemoryNodes(tree, VIRT_MAP.dram.base, numa);
    addDistanceMap(tree, numa);
  } else deviceNode(root, 'memory', { base: VIRT_MAP.dram.base, size }).prop('device_type', 'memory');
  const controllers = addCpus(root, description, sockets);
  const { flash } = VIRT_MAP;
  const bank = flash.size / 2;
  deviceNode(root, 'flash', flash)
    .prop('compatible', 'cfi-flash')
    .prop('reg', [flash.base, bank, flash.base + bank, bank].map(BigInt))
    .prop('bank-width', [FLASH_BANK_WIDTH]);
  deviceNode(root, 'fw-cfg', VIRT_MAP.fwCfg).prop('compatible', 'qemu,fw-cfg-mmio').prop('dma-coherent', true);
  const soc = root.child('soc').prop('#address-cells', [2]).prop('#size-cells', [2]);
  soc.prop('compatible', 'simple-bus').prop('ranges', true);
  addReset(root, soc);
  const plics = sockets.map((socket) => addSocket(soc, socket, controllers, aclint));
  addDevices(soc, plics[0] ?? 0, plics[virtioSocket(sockets.length)] ?? 0);
  return tree;
}

/** Sets in /chosen what the user gave to the kernel; also of a tree that the user gave. */
export function setChosen(tree: FdtBuilder, { append, initrd, rngSeed }: ChosenOptions): void {
  const chosen = tree.node('/chosen').prop('rng-seed', rngSeed);
  if (append !== undefined) chosen.prop('bootargs', append);
  if (initrd !== undefined) {
    chosen.prop('linux,initrd-start', [BigInt(initrd.start)]).prop('linux,initrd-end', [BigInt(initrd.end)]);
  }
}
