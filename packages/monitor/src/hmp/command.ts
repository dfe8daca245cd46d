// What an HMP command is: its names, its arguments, its help, and what it does.
import { type Cpu, type Machine, UserError } from '@boardwalk/core';
import type { Emulator } from '../emulator.ts';
import type { DisplayFormat } from './format.ts';

/** What a command works with: the emulator, and what the person at this monitor has chosen. */
export interface HmpContext {
  readonly emulator: Emulator;
  /** The CPU that commands are about, by index. */
  cpu: number;
  /** The lines that were entered. */
  readonly history: readonly string[];
  /** How memory and values were shown last. */
  format: DisplayFormat;
}

/**
 * One argument. `word`: up to white space, quotes may be around it; `rest`: all that is left; `expression`: a number, computed; `flag`: a
 * letter after a dash; `format`: what follows a slash at the command's name.
 */
export interface HmpArgument {
  readonly name: string;
  readonly kind: 'word' | 'rest' | 'expression' | 'flag' | 'format';
  readonly optional?: boolean;
  /** What is expected, for the error when it is missing; default `string`. */
  readonly expected?: string;
  /** Words that could be meant. */
  complete?(context: HmpContext, word: string): readonly string[];
}

/** Arguments by name. */
export class HmpArguments {
  readonly #values: ReadonlyMap<string, string | bigint | boolean>;

  constructor(values: ReadonlyMap<string, string | bigint | boolean>) {
    this.#values = values;
  }

  /** A word's or the rest's text. */
  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  /** As {@link text}, where the command cannot be without it. */
  requireText(name: string): string {
    return this.text(name) ?? '';
  }

  /** An expression's value. */
  integer(name: string): bigint | undefined {
    const value = this.#values.get(name);
    return typeof value === 'bigint' ? value : undefined;
  }

  /** As {@link integer}, where the command cannot be without it. */
  requireInteger(name: string): bigint {
    return this.integer(name) ?? 0n;
  }

  flag(name: string): boolean {
    return this.#values.get(name) === true;
  }
}

/** A command. */
export interface HmpCommand {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly args?: readonly HmpArgument[];
  /** The arguments as the help shows them. */
  readonly params?: string;
  readonly help: string;
  /** May be used while there is no machine yet. */
  readonly preconfig?: boolean;
  /** @returns the text that is shown, its lines ended by line feeds. @throws UserError shown as `Error: ...` */
  run(context: HmpContext, args: HmpArguments): string | undefined | Promise<string | undefined>;
}

/** A line that cannot be read; shown as it is, with a hint to the help. */
export class HmpSyntaxError extends Error {
  override readonly name = 'HmpSyntaxError';
}

/** What a command says in place of its answer, without a word before it. */
export class HmpNotice extends Error {
  override readonly name = 'HmpNotice';
}

/** What a switch says. @throws HmpNotice for another word */
export function isOn(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new HmpNotice("Expected 'on' or 'off'");
  return text === 'on';
}

/** The machine. @throws UserError while there is none */
export function machineOf({ emulator }: HmpContext): Machine {
  if (!emulator.machine) throw new UserError('Command not available: there is no machine yet');
  return emulator.machine;
}

/** The chosen CPU. @throws UserError if the machine has none */
export function cpuOf(context: HmpContext): Cpu {
  const cpu = machineOf(context).cpus[context.cpu];
  if (!cpu) throw new HmpNotice('No CPU available');
  return cpu;
}
