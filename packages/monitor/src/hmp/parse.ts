// A line at the HMP prompt: the command by its name, then its arguments.
import { type HmpArgument, HmpArguments, type HmpCommand, HmpSyntaxError } from './command.ts';
import { type RegisterLookup, readExpression } from './expression.ts';

/** `info status`, `xp/4xw 0x1000` in parts. */
export interface CommandLine {
  /** The first word, up to a slash. */
  readonly name: string;
  /** All after it, with the slash. */
  readonly rest: string;
}

export function splitCommand(line: string): CommandLine {
  const match = /^\s*([^\s/]*)(.*)$/s.exec(line);
  return { name: match?.[1] ?? '', rest: match?.[2] ?? '' };
}

/** The command of that name, or undefined. */
export function findCommand(commands: readonly HmpCommand[], name: string): HmpCommand | undefined {
  return commands.find((command) => command.name === name || command.aliases?.includes(name));
}

/** As the help and errors name a command: `stop|s`. */
export function commandNames({ name, aliases = [] }: HmpCommand): string {
  return [name, ...aliases].join('|');
}

/**
 * Reads arguments.
 * @param rest the line after the command's name
 * @throws HmpSyntaxError
 */
export function parseArguments(command: HmpCommand, rest: string, register: RegisterLookup): HmpArguments {
  const values = new Map<string, string | bigint | boolean>();
  let text = rest;
  for (const argument of command.args ?? []) {
    const read = readArgument(command, argument, text, register);
    if (read.value !== undefined) values.set(argument.name, read.value);
    text = read.rest;
  }
  if (text.trim() !== '') {
    throw new HmpSyntaxError(`${commandNames(command)}: extraneous characters at the end of line`);
  }
  return new HmpArguments(values);
}

interface Read {
  readonly value: string | bigint | boolean | undefined;
  readonly rest: string;
}

function readArgument(command: HmpCommand, argument: HmpArgument, text: string, register: RegisterLookup): Read {
  if (argument.kind === 'format') {
    const match = /^\s*\/(\S*)/.exec(text);
    return { value: match?.[1], rest: text.slice(match?.[0].length ?? 0) };
  }
  const rest = text.trimStart();
  if (argument.kind === 'flag') {
    const match = /^-([A-Za-z])(?=\s|$)/.exec(rest);
    if (match?.[1] === argument.name) return { value: true, rest: rest.slice(2) };
    return { value: undefined, rest };
  }
  if (rest === '' && argument.optional) return { value: undefined, rest };
  if (argument.kind === 'expression') return readExpression(rest, register);
  if (argument.kind === 'rest') {
    if (rest === '') throw missing(command, argument);
    return { value: rest.trimEnd(), rest: '' };
  }
  return readWord(command, argument, rest);
}

function missing(command: HmpCommand, { expected = 'string' }: HmpArgument): HmpSyntaxError {
  return new HmpSyntaxError(`${command.name}: ${expected} expected`);
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', '\\': '\\', "'": "'", '"': '"' };

function readWord(command: HmpCommand, argument: HmpArgument, text: string): Read {
  const quoted = /^"((?:[^"\\]|\\.)*)"/s.exec(text);
  if (quoted) {
    const value = (quoted[1] ?? '').replace(/\\(.)/gs, (whole, char: string) => {
      const escaped = ESCAPES[char];
      if (escaped === undefined) throw new HmpSyntaxError(`unsupported escape code: '${whole}'`);
      return escaped;
    });
    return { value, rest: text.slice(quoted[0].length) };
  }
  if (text.startsWith('"')) throw new HmpSyntaxError('unterminated string');
  const word = /^\S+/.exec(text)?.[0];
  if (word === undefined) throw missing(command, argument);
  return { value: word, rest: text.slice(word.length) };
}
