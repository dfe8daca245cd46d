/**
 * `s390-ccw-virtio`: the mainframe that no hardware is, with QEMU's object tree, for kernels and loaders that know it. Storage from 0
 * on; everything else is reached by instructions: the channel subsystem with virtio devices, a PCI bridge with more of them, the
 * service processor with its consoles, IPL.
 */
import {
  type BoardDefinition,
  type BootOrderDevice,
  type BwObject,
  bootOrder,
  type Device,
  defineBoard,
  devicesOf,
  isBootOrderDevice,
  type Machine,
  MiB,
  type PropertySpec,
  TiB,
  UserError,
} from '@boardwalk/core';
import { CpuComplex } from '../cpu/complex.ts';
import { CPU_MODELS, type CpuConfig, configureCpu } from '../cpu/models.ts';
import { S390Cpu } from '../cpu/s390-cpu.ts';
import { virtioBlkCcw } from '../css/ccw-devices.ts';
import { VirtioCcw } from '../css/virtio-ccw.ts';
import { layOutFirmware } from '../ipl/firmware.ts';
import type { IplSources } from '../ipl/ipl.ts';
import type { IplDevice } from '../ipl/ipl-block.ts';
import { layOutKernel, namedAsync } from '../ipl/kernel.ts';
import { LineConsole } from '../sclp/line-console.ts';
import { loadParameterProblem, storageSizeProblem } from '../sclp/sclp.ts';
import { Vt220Console } from '../sclp/vt220-console.ts';
import { Mainframe } from './mainframe.ts';
import { cpuTypeName } from './pluggable-cpu.ts';

const MAX_CPUS = 248;
/** Address bits of the machines that have been built. */
const ADDRESS_BITS = 47;

const LOAD_PARAMETER: PropertySpec = {
  name: 'loadparm',
  type: 'str',
  description: 'Up to 8 chars in set of [A-Za-z0-9. ] to pass to machine loader, boot manager, and guest kernel',
  default: '',
  validate: (value) => loadParameterProblem(String(value)),
};

/** What the user gave to be loaded. @throws UserError for what cannot be */
async function iplSources(machine: Machine): Promise<IplSources> {
  const { kernel, initrd, append, firmware, dtb } = machine.options;
  if (dtb !== undefined) throw new UserError(`the machine '${machine.board.name}' does not take -dtb`);
  for (const [option, given] of [
    ['-initrd', initrd],
    ['-append', append],
  ] as const) {
    if (given !== undefined && kernel === undefined) throw new UserError(`${option} only allowed with -kernel option`);
  }
  const { ramSize } = machine;
  return {
    kernel: kernel && (await layOutKernel({ kernel, initrd, append }, ramSize)),
    firmware:
      firmware === undefined || firmware === 'none'
        ? undefined
        : await namedAsync('-bios', () => layOutFirmware(firmware, ramSize)),
    device: () => bootDevice(machine),
  };
}

/** The disk on a subchannel with the lowest boot index, or the first one. @throws UserError if two have the same index */
function bootDevice(machine: Machine): IplDevice | undefined {
  bootOrder(machine);
  const order = (disk: BootOrderDevice) => (disk.bootIndex < 0 ? Infinity : disk.bootIndex);
  const device = devicesOf(machine)
    .filter(isBootOrderDevice)
    .toSorted((a, b) => order(a) - order(b) || 0)
    .map(transportOf)
    .find((transport) => transport !== undefined);
  if (device === undefined) return undefined;
  const { subchannel } = device;
  const own = device.findProperty('loadparm') === undefined ? '' : String(device.getProperty('loadparm'));
  const loadParameter = own || String(machine.getProperty('loadparm'));
  return { ssid: subchannel.id.ssid, deviceNumber: subchannel.deviceNumber, loadParameter };
}

/** The subchannel's device that a disk is behind: the disk's own, or its host adapter's. */
function transportOf(disk: Device): VirtioCcw | undefined {
  for (let at: BwObject | undefined = disk; at !== undefined; at = at.parent) if (at instanceof VirtioCcw) return at;
  return undefined;
}

function addConsoles(machine: Machine, mainframe: Mainframe): void {
  const { bus } = mainframe.sclp;
  // A machine without serial ports has no console, and a kernel finds none.
  if (machine.options.serials?.[0] !== undefined) {
    const console = new Vt220Console(machine.serial(0));
    bus.plug(console);
    machine.add(console, 'sclpconsole');
  }
  if (machine.options.serials?.[1] !== undefined) {
    const console = new LineConsole(machine.serial(1));
    bus.plug(console);
    machine.add(console, 'sclplmconsole');
  }
}

/** The disks of `-drive if=virtio`. */
function addDrives(machine: Machine, mainframe: Mainframe): void {
  for (const { index } of machine.drives.of('virtio')) {
    const disk = virtioBlkCcw();
    disk.setProperty('drive', machine.drives.claim('virtio', index)?.backend);
    mainframe.css.bus.plug(disk);
    machine.add(disk, `virtio${index}`);
  }
}

async function build(machine: Machine): Promise<void> {
  const config: CpuConfig = configureCpu(machine.cpuModel);
  const ipl = await iplSources(machine);
  machine.map(0, machine.ram);
  let complex: CpuComplex | undefined;
  const mainframe = new Mainframe(machine, {
    interruptions(services) {
      complex = machine.add(new CpuComplex(config, services), 's390-flic');
      return complex;
    },
    model: { machineType: config.machineType, addressBits: ADDRESS_BITS, enhancedSuppression: true },
    ipl,
    loadParameter: String(machine.getProperty('loadparm')),
    ...(config.facilities.has('zpci') && {
      pci: { suppression: config.facilities.has('ais'), tod: () => complex?.tod ?? 0n },
    }),
  });
  for (let index = 0; index < machine.smp.cpus && complex !== undefined; index++) {
    machine.add(new S390Cpu(index, complex), `cpu[${index}]`);
  }
  addConsoles(machine, mainframe);
  addDrives(machine, mainframe);
  machine.onReset(() => mainframe.ipl.load());
}

/** The board. */
export const s390CcwVirtio: BoardDefinition = defineBoard({
  name: 's390-ccw-virtio',
  aliases: ['s390-ccw-virtio-7.2'],
  isDefault: true,
  description: 'Virtual s390x machine',
  arch: 's390x',
  defaultCpu: 'qemu',
  cpuTypes: CPU_MODELS.map(({ model }) => model),
  maxCpus: MAX_CPUS,
  defaultRamSize: MiB(128),
  defaultRamId: 's390.ram',
  maxRamSize: TiB(8),
  checkRamSize: storageSizeProblem,
  properties: [LOAD_PARAMETER],
  cpuPlaces: ({ maxcpus }, { model }) =>
    Array.from({ length: maxcpus }, (_, index) => ({ index, type: cpuTypeName(model), props: { coreId: index } })),
  build,
});
