// The architectures that guests are of: their emulators, how their programs are compiled, and the machines that these run on.
import { prepareLinux, prepareMainframeLinux } from '@boardwalk/launch';
import { BenchError } from './sample.ts';

export interface Target {
  readonly name: string;
  /** The emulator to compare with, and where Debian has it. */
  readonly peer: string;
  readonly peerPackage: string;
  readonly compiler: string;
  readonly compilerPackage: string;
  /** What makes its programs these. */
  readonly flags: readonly string[];
  /** Of the clock that programs read, per second. */
  readonly ticksPerSecond: number;
  /** Programs know how many instructions they executed. */
  readonly countsInstructions: boolean;
  /** Programs can be asked for batches of work. */
  readonly isPaced: boolean;
  /** Programs, and workloads, that are not for it. */
  readonly lacks: readonly string[];
  /** The machine that a program runs on. */
  readonly machine: readonly string[];
  /** The machine that Debian's Linux boots on, with kernel and initramfs, which `prepare` may replace. */
  linux(prepare: (initrd: string) => string): Promise<readonly string[]>;
}

const RISCV64: Target = {
  name: 'riscv64',
  peer: 'qemu-system-riscv64',
  peerPackage: 'qemu-system-misc, from Debian 13 on qemu-system-riscv',
  compiler: 'riscv64-linux-gnu-gcc',
  compilerPackage: 'gcc-riscv64-linux-gnu',
  flags: ['-march=rv64gc', '-mabi=lp64d', '-mcmodel=medany'],
  // mtime of the virt board, its device tree's timebase-frequency.
  ticksPerSecond: 10_000_000,
  countsInstructions: true,
  isPaced: true,
  lacks: [],
  machine: ['-M', 'virt', '-bios', 'none'],
  async linux(prepare) {
    const { firmware, kernel, initrd } = await prepareLinux();
    return ['-M', 'virt', '-bios', firmware, '-kernel', kernel, '-initrd', prepare(initrd), '-append', 'console=ttyS0'];
  },
};

const S390X: Target = {
  name: 's390x',
  peer: 'qemu-system-s390x',
  peerPackage: 'qemu-system-misc, from Debian 13 on qemu-system-s390x',
  compiler: 's390x-linux-gnu-gcc',
  compilerPackage: 'gcc-s390x-linux-gnu',
  // What Debian compiles for; no vectors.
  flags: ['-march=z196', '-m64'],
  ticksPerSecond: 1_000_000,
  countsInstructions: false,
  isPaced: false,
  // Nothing starts its other CPUs, or counts instructions.
  lacks: ['mips', 'smp', 'smp4', 'smp4-multi', 'boot-smp4-multi'],
  machine: ['-M', 's390-ccw-virtio'],
  async linux(prepare) {
    const { kernel, initrd } = await prepareMainframeLinux();
    return ['-M', 's390-ccw-virtio', '-kernel', kernel, '-initrd', prepare(initrd), '-append', 'console=ttysclp0'];
  },
};

export const TARGETS: readonly Target[] = [RISCV64, S390X];

/** The one that is meant where nothing is said. */
export const DEFAULT_TARGET = RISCV64;

/** A target by its name. @throws BenchError for a name that none has */
export function targetOf(name: string): Target {
  const found = TARGETS.find((target) => target.name === name);
  if (found === undefined)
    throw new BenchError(`--arch ${name}: ${TARGETS.map((each) => each.name).join(', ')} are there`);
  return found;
}
