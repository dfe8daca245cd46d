// The entry of the programs. Imports little: what is needed comes when it is known to be needed.

import { DAEMON_VARIABLE, processProgram, versionText } from './program.ts';

/**
 * Runs `boardwalk-system-<arch>` with its arguments and ends the process: with the guest's status, or 1 after a mistake of the
 * user's.
 */
export async function main(arch: string, argv: readonly string[]): Promise<never> {
  const program = processProgram(arch);
  const [first] = argv;
  if (argv.length === 1 && (first === '-version' || first === '--version')) {
    program.out(versionText());
    return leave(0);
  }
  const { run } = await import('./run.ts');
  if (!isDaemon()) return leave(await run(arch, argv, program));
  const { daemonProgram } = await import('./daemonize.ts');
  return leave(await run(arch, argv, daemonProgram(program)));
}

/** Whether this is the background process that -daemonize started. */
function isDaemon(): boolean {
  return process.env[DAEMON_VARIABLE] !== undefined && process.send !== undefined;
}

/** Ends the process when what it has said is out. */
async function leave(status: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    // A reader that has gone away never calls back.
    if (stream.writable) await new Promise((resolve) => stream.on('error', resolve).write('', resolve));
  }
  process.exit(status);
}
