// -daemonize: the machine runs in a process of its own session. The one that the user started waits until all is well, and tells of
// mistakes itself.

import { spawn } from 'node:child_process';
import { UserError } from '@boardwalk/core';
import { parseChardev } from './config/lines.ts';
import { readLines } from './config/services.ts';
import type { CommandLine } from './options/command-line.ts';
import { KeyValues } from './options/key-values.ts';
import { DAEMON_VARIABLE, type Program } from './program.ts';

/** What the background process tells. */
interface Report {
  /** Text for standard error. */
  readonly err?: string;
  /** Text for standard output. */
  readonly out?: string;
  /** All is well. */
  readonly ready?: boolean;
}

/**
 * Starts the background process with the same arguments and waits until it is ready.
 * @returns the exit status: 0 once it is, else its own
 * @throws UserError for what needs the terminal
 */
export async function daemonize(line: CommandLine, argv: readonly string[], program: Program): Promise<number> {
  refuseTerminal(line);
  const [script = ''] = process.argv.slice(1);
  const inherited = descriptors(line);
  const last = Math.max(2, ...inherited);
  const stdio = Array.from({ length: last + 1 }, (_, fd) => (inherited.includes(fd) ? fd : 'ignore'));
  const child = spawn(process.execPath, [...process.execArgv, script, ...argv], {
    detached: true,
    stdio: [...stdio, 'ipc'],
    env: { ...process.env, [DAEMON_VARIABLE]: '1' },
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => resolve(status ?? 1));
    child.on('message', ({ err, out, ready }: Report) => {
      if (err !== undefined) program.err(err);
      if (out !== undefined) program.out(out);
      if (ready !== true) return;
      child.disconnect();
      child.unref();
      resolve(0);
    });
  });
}

/** The background process's program: it speaks through the one that waits, and to nobody once it is ready. */
export function daemonProgram(program: Program): Program {
  delete process.env[DAEMON_VARIABLE];
  let speaking = true;
  const tell = (report: Report): void => {
    if (speaking && process.connected) process.send?.(report);
  };
  return {
    ...program,
    out: (out) => tell({ out }),
    err: (err) => tell({ err }),
    ready() {
      if (!speaking) return;
      tell({ ready: true });
      speaking = false;
      // Nothing keeps a file system from being unmounted.
      process.chdir('/');
    },
  };
}

function refuseTerminal(line: CommandLine): void {
  if (line.has('nographic') && !line.has('nodefaults'))
    throw new UserError('-nographic cannot be used with -daemonize');
  const { serials, services } = readLines(line);
  const choices = [...serials, ...services.map(({ choice }) => choice)];
  const chardevs = line.all('chardev').map((text) => parseChardev(text).line);
  const lines = [...choices.flatMap((choice) => ('line' in choice ? [choice.line] : [])), ...chardevs];
  if (lines.some(({ kind }) => kind === 'stdio')) throw new UserError('cannot use stdio with -daemonize');
}

/** Files that the user passes on by number. */
function descriptors(line: CommandLine): number[] {
  const sets = line.all('add-fd').flatMap((text) => new KeyValues(text).count('fd') ?? []);
  const sockets = line.all('chardev').flatMap((text) => {
    const { line: spec } = parseChardev(text);
    return spec.kind === 'socket' && spec.address.kind === 'fd' ? [spec.address.fd] : [];
  });
  return [...sets, ...sockets].filter((fd) => fd > 2);
}
