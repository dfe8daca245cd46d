import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DebianError } from '@boardwalk/debian';
import { monitorPath } from '@boardwalk/guest';
import {
  type DebianSource,
  isUnreachable,
  type LinuxGuest,
  type MainframeGuest,
  prepareFirmware,
  prepareLinux,
  prepareMainframeLinux,
} from './debian-guests.ts';
import { HELP, OptionError, parseStartOptions, type StartArchitecture, type StartOptions } from './options.ts';
import { ProgressDisplay } from './progress.ts';

const BOARDS: Readonly<Record<StartArchitecture, string>> = { riscv64: 'virt', s390x: 's390-ccw-virtio' };

const emulatorOf = (arch: StartArchitecture): string =>
  fileURLToPath(new URL(`../../../packages/cli/bin/boardwalk-system-${arch}.js`, import.meta.url));

/** What is there to boot: emulator options and a line for the user. */
export interface Boot {
  readonly arguments: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Boots what the command line of `npm start` asks for, on this terminal.
 *
 * @returns the exit status: the emulator's, or 1 for a mistake in the options.
 */
export async function start(args: readonly string[]): Promise<number> {
  try {
    const options = parseStartOptions(args);
    if (options.help) {
      process.stdout.write(HELP);
      return 0;
    }
    const boot = await prepareBoot(options);
    for (const note of boot.notes) process.stderr.write(`${note}\n`);
    return await runEmulator(options, emulatorArguments(options, boot));
  } catch (error) {
    if (!isUsersConcern(error)) throw error;
    process.stderr.write(`npm start: ${error.message}\n`);
    return 1;
  }
}

/** Mistakes in options, packages that cannot be had, and files that cannot be written; all else is a fault of ours. */
function isUsersConcern(error: unknown): error is Error {
  if (error instanceof OptionError || error instanceof DebianError) return true;
  return error instanceof Error && 'syscall' in error;
}

async function prepareBoot(options: StartOptions): Promise<Boot> {
  if (options.guest === 'monitor') return monitorBoot([]);
  const display = new ProgressDisplay(process.stderr);
  const { suite, mirror, keyring, refresh } = options;
  const source = { suite, mirror, keyring, refresh, onProgress: display.show.bind(display) };
  try {
    return options.kernel === undefined
      ? await debianBoot(options, source)
      : await kernelBoot(options.kernel, options, source);
  } catch (error) {
    if (!canFallBack(error, options)) throw error;
    return monitorBoot([
      `No Linux to boot: ${error.message}.`,
      "Booting Boardwalk's own monitor instead. With a kernel of yours:",
      '  npm start -- --kernel Image --initrd initrd --bios fw_dynamic.bin',
    ]);
  } finally {
    display.end();
  }
}

/** Nothing at hand is not the user's mistake, unless the user said where to take it from. */
export function canFallBack(error: unknown, options: StartOptions): error is DebianError {
  // Our monitor is a program for riscv64.
  if (options.arch !== 'riscv64') return false;
  const asked = [options.kernel, options.suite, options.mirror, options.keyring].some((value) => value !== undefined);
  return !asked && !options.refresh && isUnreachable(error);
}

async function debianBoot({ arch, bios }: StartOptions, source: DebianSource): Promise<Boot> {
  const { firmware, kernel, initrd, packages }: MainframeGuest & Partial<LinuxGuest> =
    arch === 's390x' ? await prepareMainframeLinux(source) : await prepareLinux(source);
  return {
    arguments: [...(firmware === undefined ? [] : ['-bios', bios ?? firmware]), '-kernel', kernel, '-initrd', initrd],
    notes: [`Booting ${packages.map(({ name, version }) => `${name} ${version}`).join(', ')}.`, 'Ctrl-a x leaves.'],
  };
}

async function kernelBoot(kernel: string, options: StartOptions, source: DebianSource): Promise<Boot> {
  const initrd = options.initrd === undefined ? [] : ['-initrd', options.initrd];
  const firmware =
    options.arch === 's390x' ? [] : ['-bios', options.bios ?? (await prepareFirmware(source).catch(explainFirmware))];
  return { arguments: [...firmware, '-kernel', kernel, ...initrd], notes: [`Booting ${kernel}. Ctrl-a x leaves.`] };
}

function explainFirmware(error: unknown): never {
  if (!(error instanceof DebianError)) throw error;
  throw new DebianError(error.reason, `${error.message}; name OpenSBI's fw_dynamic.bin with --bios`);
}

function monitorBoot(notes: readonly string[]): Boot {
  return { arguments: ['-bios', monitorPath], notes: [...notes, "Boardwalk's monitor. Ctrl-a x leaves."] };
}

/** The emulator's command line for a boot. */
export function emulatorArguments(options: StartOptions, boot: Boot): string[] {
  const append = boot.arguments.includes('-kernel') ? ['-append', options.append] : [];
  const machine = ['-M', BOARDS[options.arch], '-m', options.memory, '-smp', options.smp, '-nographic'];
  return [...machine, ...boot.arguments, ...append, ...options.rest];
}

/** Runs the emulator on this terminal; Ctrl-C and the like are the guest's or the emulator's, not ours. */
function runEmulator({ emulator, arch }: StartOptions, args: readonly string[]): Promise<number> {
  const [program, ...first] = emulator === undefined ? [process.execPath, emulatorOf(arch)] : [emulator];
  return new Promise((resolve) => {
    const ignore = () => {};
    process.on('SIGINT', ignore);
    const child = spawn(program ?? process.execPath, [...first, ...args], { stdio: 'inherit' });
    const finish = (status: number) => {
      process.off('SIGINT', ignore);
      resolve(status);
    };
    child.on('error', (error) => {
      process.stderr.write(`npm start: ${error.message}\n`);
      finish(1);
    });
    child.on('close', (status) => finish(status ?? 1));
  });
}
