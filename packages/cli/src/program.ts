// What the program has from its surroundings; tests give their own.

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ImportModule } from './architectures.ts';

/** Set in the environment of the background process of -daemonize. */
export const DAEMON_VARIABLE = 'BOARDWALK_DAEMON';

export interface Program {
  /** As in messages: `boardwalk-system-riscv64`. */
  readonly name: string;
  out(text: string): void;
  err(text: string): void;
  readonly importModule: ImportModule;
  /** Where translated code is kept from run to run; without it nowhere. */
  readonly codeFolder?: string;
  /** Set in the background process of -daemonize: tells the one that started it that all is well. */
  readonly ready?: (() => void) | undefined;
}

/** The program of an architecture on this process's own output. */
export function processProgram(arch: string): Program {
  return {
    name: `boardwalk-system-${arch}`,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    importModule: (name) => import(name) as Promise<object>,
    codeFolder: join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'boardwalk', 'code'),
  };
}

/** The program's version: `0.3.1`. */
export function programVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

/** The line that -version shows. */
export function versionText(): string {
  return `Boardwalk emulator version ${programVersion()}\n`;
}
