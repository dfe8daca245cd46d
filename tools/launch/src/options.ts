import { parseArgs } from 'node:util';

/** Architectures that Debian's Linux is booted on. */
export const START_ARCHITECTURES = ['riscv64', 's390x'] as const;
export type StartArchitecture = (typeof START_ARCHITECTURES)[number];

/** What `npm start` was asked for. */
export interface StartOptions {
  readonly help: boolean;
  readonly arch: StartArchitecture;
  /** `linux` as Debian has it, or our own `monitor`. */
  readonly guest: 'linux' | 'monitor';
  /** Files of the user's, instead of Debian's. */
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
  readonly bios: string | undefined;
  readonly append: string;
  readonly memory: string;
  readonly smp: string;
  readonly suite: string | undefined;
  readonly mirror: string | undefined;
  readonly keyring: string | undefined;
  readonly refresh: boolean;
  /** Another program with QEMU's options to run the guest on. */
  readonly emulator: string | undefined;
  /** What stood after a further `--`, for the emulator. */
  readonly rest: readonly string[];
}

/** A mistake in the options: one line. */
export class OptionError extends Error {}

export const HELP = `npm start -- [options] [-- emulator options]

Boots Debian's Linux to a shell on this terminal; Ctrl-a x leaves.

  --arch riscv64|s390x   the machine: riscv64's virt, or the mainframe s390-ccw-virtio (riscv64)
  --guest linux|monitor  what to boot: Linux, or Boardwalk's own bare-metal monitor
  --kernel FILE          your own kernel Image, and
  --initrd FILE          your own initrd; both in place of Debian's
  --bios FILE            your own machine-mode firmware (none: no firmware) in place of Debian's OpenSBI
  --append TEXT          the kernel's command line (console=ttyS0; s390x: console=ttysclp0)
  -m, --memory SIZE      RAM (256M)
  --smp N                processors (1)
  --suite NAME           Debian's suite to take packages from (trixie; s390x: bookworm)
  --mirror ADDRESS       Debian's mirror (the one this machine's apt uses)
  --keyring FILE         keys that Debian's signatures are checked with (debian-archive-keyring's)
  --refresh              look for newer packages than those in the cache
  --emulator PROGRAM     run another emulator with QEMU's options, to compare
  --help                 this text
`;

/**
 * Reads the command line of `npm start`.
 *
 * @throws OptionError
 */
export function parseStartOptions(args: readonly string[]): StartOptions {
  const separator = args.indexOf('--');
  const own = separator < 0 ? args : args.slice(0, separator);
  const values = parse(own);
  const guest = values.guest ?? 'linux';
  const arch = values.arch ?? 'riscv64';
  if (!isArchitecture(arch)) throw new OptionError(`--arch ${arch}: use ${START_ARCHITECTURES.join(' or ')}`);
  if (arch === 's390x' && (guest === 'monitor' || values.bios !== undefined)) {
    throw new OptionError('--arch s390x boots a kernel without firmware: leave out --guest monitor and --bios');
  }
  if (guest !== 'linux' && guest !== 'monitor') throw new OptionError(`--guest ${guest}: use linux or monitor`);
  if (guest === 'monitor' && (values.kernel ?? values.bios) !== undefined) {
    throw new OptionError('--guest monitor brings its own image: leave out --kernel and --bios');
  }
  if (values.initrd !== undefined && values.kernel === undefined) {
    throw new OptionError('--initrd needs --kernel');
  }
  return {
    help: values.help ?? false,
    arch,
    guest,
    kernel: values.kernel,
    initrd: values.initrd,
    bios: values.bios,
    append: values.append ?? (arch === 's390x' ? 'console=ttysclp0' : 'console=ttyS0'),
    memory: values.memory ?? '256M',
    smp: values.smp ?? '1',
    suite: values.suite,
    mirror: values.mirror,
    keyring: values.keyring,
    refresh: values.refresh ?? false,
    emulator: values.emulator,
    rest: separator < 0 ? [] : args.slice(separator + 1),
  };
}

function isArchitecture(name: string): name is StartArchitecture {
  return START_ARCHITECTURES.some((known) => known === name);
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        help: { type: 'boolean', short: 'h' },
        arch: { type: 'string' },
        guest: { type: 'string' },
        kernel: { type: 'string' },
        initrd: { type: 'string' },
        bios: { type: 'string' },
        append: { type: 'string' },
        memory: { type: 'string', short: 'm' },
        smp: { type: 'string' },
        suite: { type: 'string' },
        mirror: { type: 'string' },
        keyring: { type: 'string' },
        refresh: { type: 'boolean' },
        emulator: { type: 'string' },
      },
    });
    return values;
  } catch (error) {
    const [message = ''] = (error as Error).message.split(/\. |\n/);
    throw new OptionError(`${message}; npm start -- --help lists the options`);
  }
}
