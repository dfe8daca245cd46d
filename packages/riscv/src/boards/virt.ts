/**
 * `virt`: the RISC-V board that no hardware has, with QEMU's memory map (virt-map.ts), for firmware and kernels that know it.
 * Harts, CLINT or ACLINT, and PLIC (one of each for a NUMA node), 16550 UART, goldfish RTC, test finisher, eight virtio slots, fw_cfg, two banks of flash.
 */
import {
  type BoardDefinition,
  defineBoard,
  type FdtBuilder,
  GiB,
  type Machine,
  MemoryRegion,
  MiB,
  type PropertySpec,
  readFdt,
  UserError,
} from '@boardwalk/core';
import {
  addBootItems,
  CfiPflash,
  FW_CFG_CMDLINE_DATA,
  FW_CFG_CMDLINE_SIZE,
  FW_CFG_INITRD_DATA,
  FW_CFG_INITRD_SIZE,
  FW_CFG_KERNEL_DATA,
  FW_CFG_KERNEL_SIZE,
  FW_CFG_NB_CPUS,
  FwCfg,
  GoldfishRtc,
  Ns16550a,
  plugVirtioDrives,
  readFlashImage,
  SifiveTest,
  VirtioMmio,
} from '@boardwalk/devices';
import { IRQ_MSI } from '../cpu/bits.ts';
import { RiscvFrontend } from '../cpu/frontend.ts';
import { CPU_MODELS, configureCpu } from '../cpu/models.ts';
import { RiscvCpu } from '../cpu/riscv-cpu.ts';
import { AclintMswi, AclintMtimer, AclintSswi, SifiveClint, SWI_SIZE } from '../soc/aclint.ts';
import { machineAndSupervisorContexts, Plic } from '../soc/plic.ts';
import { type BootLayout, layOutBoot, loadBoot, placeDeviceTree, resetRom } from './boot.ts';
import { setChosen, virtDeviceTree } from './virt-device-tree.ts';
import {
  FLASH_BANK_WIDTH,
  FLASH_DEVICE_WIDTH,
  FLASH_SECTOR_SIZE,
  PLIC_SOURCES,
  TIMEBASE_FREQUENCY,
  UART_CLOCK,
  VIRT_IRQ,
  VIRT_MAP,
  VIRTIO_SLOTS,
  virtioSlot,
} from './virt-map.ts';
import { type VirtSocket, virtioSocket, virtNuma, virtSockets } from './virt-sockets.ts';

const MAX_HARTS = 8;
const RNG_SEED_BYTES = 32;
const FLASH_BANKS = 2;

/** What gives the harts of a socket their clock and interrupts from each other. */
interface Interruptor {
  readonly mswi: AclintMswi;
  readonly mtimer: AclintMtimer;
  /** Only where there is an ACLINT. */
  readonly sswi?: AclintSswi;
}

function addInterruptor(machine: Machine, { clint: { base }, sswi, harts }: VirtSocket, name: string): Interruptor {
  if (machine.getProperty('aclint') !== true) {
    const clint = machine.add(new SifiveClint(harts, TIMEBASE_FREQUENCY), `clint${name}`);
    machine.map(base, clint.region);
    return clint;
  }
  const aclint = {
    mswi: machine.add(new AclintMswi(harts), `mswi${name}`),
    mtimer: machine.add(new AclintMtimer({ harts, frequency: TIMEBASE_FREQUENCY }), `mtimer${name}`),
    sswi: machine.add(new AclintSswi(harts), `sswi${name}`),
  };
  machine.map(base, aclint.mswi.region);
  machine.map(base + SWI_SIZE, aclint.mtimer.region);
  machine.map(sswi.base, aclint.sswi.region);
  return aclint;
}

/** The harts of a socket with their interrupts and their clock. */
function addSocket(machine: Machine, frontend: RiscvFrontend, socket: VirtSocket): Plic {
  const { firstHart, harts } = socket;
  const name = socket.index === 0 ? '' : String(socket.index);
  const { mswi, mtimer: time, sswi } = addInterruptor(machine, socket, name);
  const contexts = machineAndSupervisorContexts(harts);
  const plic = machine.add(new Plic({ sources: PLIC_SOURCES, contexts, size: socket.plic.size }), `plic${name}`);
  machine.map(socket.plic.base, plic.region);
  // One interruptor for all harts: they can do without it where nobody else moves its lines.
  const isAlone = machine.team !== undefined && harts === machine.smp.cpus;
  const cpus: RiscvCpu[] = [];
  if (isAlone) mswi.follow((hart) => cpus[hart]?.irqLine(IRQ_MSI) === true);
  for (let index = 0; index < harts; index++) {
    const number = firstHart + index;
    const cpu = machine.add(
      new RiscvCpu(number, frontend, {
        time,
        resetVector: VIRT_MAP.resetRom.base,
        ...(isAlone && { softwareIrqs: socket.clint.base }),
      }),
      `cpu[${number}]`,
    );
    cpus.push(cpu);
    mswi.irqs[index]?.connect(cpu.input('m-software'));
    time.irqs[index]?.connect(cpu.input('m-timer'));
    sswi?.irqs[index]?.connect(cpu.input('s-software'));
    contexts.forEach(({ hart, mode }, context) => {
      const line = mode === 'M' ? 'm-external' : 's-external';
      if (hart === index) plic.irqs[context]?.connect(cpu.input(line));
    });
  }
  return plic;
}

/** Every socket, in the order of the harts; gives the PLICs that devices and virtio slots are wired to. */
function addSockets(machine: Machine, frontend: RiscvFrontend): { devices: Plic; virtio: Plic } {
  const sockets = virtSockets(machine.numa, machine.smp.cpus);
  const plics = new Map<number, Plic>();
  for (const socket of sockets.toSorted((a, b) => a.firstHart - b.firstHart)) {
    plics.set(socket.index, addSocket(machine, frontend, socket));
  }
  const [devices, virtio] = [plics.get(0), plics.get(virtioSocket(sockets.length))];
  if (devices === undefined || virtio === undefined) throw new Error('a machine has a socket at least');
  return { devices, virtio };
}

function addPeripherals(machine: Machine, plic: Plic): void {
  const uart = machine.add(new Ns16550a({ chardev: machine.serial(0), clockFrequency: UART_CLOCK }), 'uart0');
  uart.irq.connect(plic.input(VIRT_IRQ.uart0));
  machine.map(VIRT_MAP.uart0.base, uart.region);

  const rtc = machine.add(new GoldfishRtc(), 'rtc');
  rtc.irq.connect(plic.input(VIRT_IRQ.rtc));
  machine.map(VIRT_MAP.rtc.base, rtc.region);

  machine.map(VIRT_MAP.test.base, machine.add(new SifiveTest(), 'test').region);
}

/** The virtio slots, and the disks of `-drive if=virtio` in them. Devices get the last slot first. */
function addVirtio(machine: Machine, plic: Plic): void {
  const transports: VirtioMmio[] = [];
  for (let slot = VIRTIO_SLOTS - 1; slot >= 0; slot--) {
    const transport = machine.add(new VirtioMmio(), `virtio-mmio-bus.${slot}`);
    transport.irq.connect(plic.input(VIRT_IRQ.virtio + slot));
    machine.map(virtioSlot(slot).base, transport.region);
    transports.push(transport);
  }
  plugVirtioDrives(machine, transports);
}

/** The banks of flash, with the contents of `-drive if=pflash`; says which have any. */
async function addFlash(machine: Machine): Promise<boolean[]> {
  const size = VIRT_MAP.flash.size / FLASH_BANKS;
  const given: boolean[] = [];
  for (let bank = 0; bank < FLASH_BANKS; bank++) {
    const backend = machine.drives.claim('pflash', bank)?.backend;
    const contents = backend && (await readFlashImage(backend, size));
    const flash = new CfiPflash({
      name: `virt.flash${bank}`,
      size,
      sectorSize: FLASH_SECTOR_SIZE,
      bankWidth: FLASH_BANK_WIDTH,
      deviceWidth: FLASH_DEVICE_WIDTH,
      ...(backend && { backend }),
      ...(contents && { contents }),
    });
    machine.add(flash, `virt.flash${bank}`);
    machine.map(VIRT_MAP.flash.base + bank * size, flash.region);
    given.push(backend !== undefined);
  }
  return given;
}

/** fw_cfg; firmware in flash finds the kernel there. */
function addFwCfg(machine: Machine, kernelForFirmware: boolean): void {
  const fwCfg = machine.add(new FwCfg(), 'fw_cfg');
  fwCfg.addU16(FW_CFG_NB_CPUS, machine.smp.cpus);
  addBootItems(machine, fwCfg);
  const { kernel, initrd, append } = machine.options;
  if (kernelForFirmware && kernel !== undefined) {
    fwCfg.addU32(FW_CFG_KERNEL_SIZE, kernel.length);
    fwCfg.addBytes(FW_CFG_KERNEL_DATA, kernel);
    if (initrd !== undefined) {
      fwCfg.addU32(FW_CFG_INITRD_SIZE, initrd.length);
      fwCfg.addBytes(FW_CFG_INITRD_DATA, initrd);
    }
    if (append !== undefined) {
      fwCfg.addU32(FW_CFG_CMDLINE_SIZE, append.length + 1);
      fwCfg.addString(FW_CFG_CMDLINE_DATA, append);
    }
  }
  machine.map(VIRT_MAP.fwCfg.base, fwCfg.region);
}

/** What a machine boots: firmware and kernel in RAM, or in the flash banks that have contents. */
async function layOut(machine: Machine, [machineFlash, supervisorFlash]: readonly boolean[]): Promise<BootLayout> {
  const { firmware, kernel, initrd } = machine.options;
  const inRam = supervisorFlash === true ? {} : { kernel, initrd };
  const bios = firmware === 'none' ? undefined : firmware;
  const layout = await layOutBoot({ firmware: bios, ...inRam }, VIRT_MAP.dram.base, machine.ramSize);
  const { base, size } = VIRT_MAP.flash;
  return {
    ...layout,
    ...(machineFlash === true && { start: base }),
    ...(supervisorFlash === true && { kernelEntry: base + size / FLASH_BANKS }),
  };
}

/** The device tree: the user's or the board's, with what the user gave to the kernel. */
function deviceTree(machine: Machine, frontend: RiscvFrontend): FdtBuilder {
  const { dtb } = machine.options;
  if (dtb === undefined) {
    const { numa, ramSize } = machine;
    const aclint = machine.getProperty('aclint') === true;
    return virtDeviceTree({ cpu: frontend.config, harts: machine.smp.cpus, ramSize, numa, aclint });
  }
  try {
    return readFdt(dtb);
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`-dtb: ${error.message}`);
    throw error;
  }
}

/** Puts the images into memory at every reset, and the program that starts them into the reset ROM. */
function setUpBoot(machine: Machine, frontend: RiscvFrontend, layout: BootLayout): void {
  const { base, size } = VIRT_MAP.resetRom;
  const rom = machine.allocateRam('riscv_virt_board.mrom', size);
  machine.map(base, MemoryRegion.rom('riscv_virt_board.mrom', rom));
  const tree = deviceTree(machine, frontend);
  setChosen(tree, { append: machine.options.append, initrd: layout.initrd, rngSeed: new Uint8Array(RNG_SEED_BYTES) });
  machine.deviceTree = () => tree.build();
  const treeBytes = tree.build().length;
  const treeAddress = placeDeviceTree(treeBytes, VIRT_MAP.dram.base, machine.ramSize, layout.end);
  machine.onReset(() => {
    const rngSeed = new Uint8Array(RNG_SEED_BYTES);
    machine.randomBytes(rngSeed);
    setChosen(tree, { append: machine.options.append, initrd: layout.initrd, rngSeed });
    loadBoot(machine.addressSpace, layout);
    machine.addressSpace.writeBytes(treeAddress, tree.build());
    rom.bytes.fill(0);
    rom.bytes.set(resetRom(layout.start, treeAddress, layout.kernelEntry));
    machine.space.noteWrite(rom.offset, size);
  });
}

/** What QEMU's board offers to choose; of `aia` this one has the default alone. */
const PROPERTIES: readonly PropertySpec[] = [
  {
    name: 'aclint',
    type: 'bool',
    description: "on: the ACLINT's MSWI, MTIMER and SSWI in place of the CLINT",
    default: false,
  },
  {
    name: 'aia',
    type: 'str',
    description: 'none: the PLIC; there is no advanced interrupt architecture',
    default: 'none',
    validate: (value) =>
      value === 'none' ? undefined : `aia=${String(value)} is not supported: the board has the PLIC`,
  },
];

/** The board. */
export const virt: BoardDefinition = defineBoard({
  name: 'virt',
  isDefault: true,
  description: 'RISC-V VirtIO board',
  arch: 'riscv64',
  defaultCpu: 'rv64',
  cpuTypes: CPU_MODELS.map(({ model }) => model),
  maxCpus: MAX_HARTS,
  defaultRamSize: MiB(128),
  defaultRamId: 'riscv_virt_board.ram',
  maxRamSize: GiB(4096),
  numa: virtNuma,
  properties: PROPERTIES,
  async build(machine) {
    const frontend = new RiscvFrontend(configureCpu(machine.cpuModel), {
      logWalks: machine.log.enabled('mmu'),
      isThreaded: machine.team !== undefined,
      semihosting: Boolean(machine.options.semihosting),
    });
    machine.map(VIRT_MAP.dram.base, machine.ram);
    const plics = addSockets(machine, frontend);
    addPeripherals(machine, plics.devices);
    addVirtio(machine, plics.virtio);
    const flash = await addFlash(machine);
    addFwCfg(machine, flash[1] === true);
    setUpBoot(machine, frontend, await layOut(machine, flash));
  },
});
