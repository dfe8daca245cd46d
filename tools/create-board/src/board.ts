// What a board is to be: the user's options, checked.
import { Mistake } from './mistake.ts';
import { formatSize, parseSize } from './sizes.ts';

/** A board that has been thought of. Sizes are bytes. */
export interface NewBoard {
  readonly name: string;
  /** Its name in TypeScript. */
  readonly identifier: string;
  readonly description: string;
  readonly ramId: string;
  readonly ramSize: number;
  /** The only sizes that it can have. */
  readonly ramSizes: readonly number[] | undefined;
  readonly maxRamSize: number | undefined;
  readonly cpu: string;
  readonly maxCpus: number;
}

/** The same, as the user wrote it. */
export interface BoardOptions {
  readonly name: string;
  readonly description?: string | undefined;
  readonly 'ram-id'?: string | undefined;
  readonly 'ram-size'?: string | undefined;
  readonly 'ram-sizes'?: string | undefined;
  readonly 'max-ram-size'?: string | undefined;
  readonly cpu?: string | undefined;
  readonly 'max-cpus'?: string | undefined;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** Sizes are whole pages. */
const PAGE = 4096;
const DEFAULT_RAM = '128M';
/** CPU models that boards of a package can start with. */
const CPUS = /^[a-z0-9][a-z0-9.-]*$/;

/** Words that are no names in TypeScript, or are names of what a board's file imports. */
const TAKEN = new Set(
  (
    'break case catch class const continue debugger default delete do else enum export extends false finally for function if implements ' +
    'import in instanceof interface let new null package private protected public return static super switch this throw true try typeof ' +
    'var void while with yield await async machine program boot describe expect it'
  ).split(' '),
);

/** `sifive-e` is sifiveE, `66ak` is board66ak. */
export function identifierOf(name: string): string {
  const joined = name.replaceAll(/[._-]+([A-Za-z0-9]?)/g, (_, letter: string) => letter.toUpperCase());
  const camel = joined.replace(/^[A-Z]+/, (letters) => letters.toLowerCase());
  return /^[0-9]/.test(camel) ? `board${camel}` : TAKEN.has(camel) ? `${camel}Board` : camel;
}

function size(option: string, text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined || bytes <= 0 || bytes % PAGE !== 0) {
    throw new Mistake(`--${option} '${text}': a size is a multiple of 4K, such as 512M or 1G`);
  }
  return bytes;
}

/** @throws Mistake if there cannot be a board of this name */
export function checkName(name: string): void {
  if (!NAME.test(name)) {
    throw new Mistake(`--name '${name}': a name has letters, digits and . _ - and begins with a letter or a digit`);
  }
  if (name === 'none') throw new Mistake("--name 'none': every architecture has the board none already");
}

/** Checks options one by one and together. @param defaultCpu the CPU model without --cpu. @throws Mistake */
export function resolveBoard(options: BoardOptions, defaultCpu: string): NewBoard {
  const { name, cpu = defaultCpu } = options;
  checkName(name);
  const description = options.description ?? `${name} board`;
  if (description.trim() === '' || /[\n\r]/.test(description)) throw new Mistake('--description: one line of text');
  const ramId = options['ram-id'] ?? `${name}.ram`;
  if (!NAME.test(ramId)) throw new Mistake(`--ram-id '${ramId}': a name has letters, digits and . _ -`);
  if (!CPUS.test(cpu)) throw new Mistake(`--cpu '${cpu}': a CPU model has small letters, digits and . -`);
  const cpus = options['max-cpus'] ?? '1';
  if (!/^[1-9][0-9]{0,2}$/.test(cpus)) throw new Mistake(`--max-cpus '${cpus}': a number from 1 to 999`);
  return { name, identifier: identifierOf(name), description, ramId, cpu, maxCpus: Number(cpus), ...ramSizes(options) };
}

function ramSizes(options: BoardOptions): Pick<NewBoard, 'ramSize' | 'ramSizes' | 'maxRamSize'> {
  const list = options['ram-sizes']?.split(',').map((text) => size('ram-sizes', text));
  const most = options['max-ram-size'];
  if (list !== undefined && most !== undefined) {
    throw new Mistake('--ram-sizes and --max-ram-size: a board has the one or the other');
  }
  const ramSize =
    options['ram-size'] === undefined
      ? (list?.[0] ?? size('ram-size', DEFAULT_RAM))
      : size('ram-size', options['ram-size']);
  if (list !== undefined && !list.includes(ramSize)) {
    throw new Mistake(`--ram-size ${formatSize(ramSize)} is not among --ram-sizes ${list.map(formatSize).join(', ')}`);
  }
  const maxRamSize = most === undefined ? undefined : size('max-ram-size', most);
  if (maxRamSize !== undefined && ramSize > maxRamSize) {
    throw new Mistake(`--ram-size ${formatSize(ramSize)} is above --max-ram-size ${formatSize(maxRamSize)}`);
  }
  return { ramSize, ramSizes: list, maxRamSize };
}
