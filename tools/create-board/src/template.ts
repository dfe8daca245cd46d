// What a template of an architecture gives, and text that all templates share.
import type { NewBoard } from './board.ts';
import { formatSize, sizeCode } from './sizes.ts';

/** Where the files of a board will be: it decides how they import. */
export type Home = 'monorepo' | 'own-package';

/** The files of a board of one architecture package. */
export interface Template {
  /** As in the program's name. */
  readonly arch: string;
  /** The CPU model that a board has if its maker says none. */
  readonly defaultCpu: string;
  /** npm packages that the board imports, without those of the test. */
  readonly dependencies: readonly string[];
  /** How a program is given to the emulator. */
  readonly run: string;
  /** Lines of what the conformance suite needs besides facts, in a package of its own, and what they import. */
  readonly conformance?: readonly string[];
  readonly testImports?: readonly { readonly names: readonly string[]; readonly from: string }[];
  /** What such a board cannot be. @throws Mistake */
  check?(board: NewBoard): void;
  /** The definition. */
  board(board: NewBoard, home: Home): string;
  /** The body of its test: that it boots, and what it refuses. */
  test(board: NewBoard, home: Home): string;
  /** Its page. `command` is how the emulator is started, up to `-M NAME`. */
  page(board: NewBoard, command: string): string;
}

/** Text in quotes, as biome writes it. */
export function quoted(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\');
  return text.includes("'") && !text.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`;
}

/** What the board declares of its RAM, a property a line. */
export function ramLines({ ramSize, ramId, ramSizes, maxRamSize }: NewBoard): string {
  const lines = [`  defaultRamSize: ${sizeCode(ramSize).code},`, `  defaultRamId: ${quoted(ramId)},`];
  if (ramSizes !== undefined)
    lines.push(`  validRamSizes: [${ramSizes.map((bytes) => sizeCode(bytes).code).join(', ')}],`);
  if (maxRamSize !== undefined) lines.push(`  maxRamSize: ${sizeCode(maxRamSize).code},`);
  return lines.join('\n');
}

/** The names of units that {@link ramLines} uses. */
export function ramUnits({ ramSize, ramSizes = [], maxRamSize }: NewBoard): string[] {
  const sizes = [ramSize, ...ramSizes, ...(maxRamSize === undefined ? [] : [maxRamSize])];
  return [...new Set(sizes.map((bytes) => sizeCode(bytes).unit))].sort();
}

/** A size that is refused, and the text, in the words of core's `ramSizeProblem`; a board that takes every size refuses none. */
export function refusal({
  ramSizes,
  maxRamSize,
}: NewBoard): { readonly bytes: number; readonly text: string } | undefined {
  if (ramSizes !== undefined) {
    const names = ramSizes.map(formatSize);
    const last = names.at(-1) ?? '';
    const list = names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${last}` : last;
    return { bytes: 2 * Math.max(...ramSizes), text: `Invalid RAM size, should be ${list}` };
  }
  if (maxRamSize === undefined) return undefined;
  return { bytes: 2 * maxRamSize, text: `RAM size more than ${formatSize(maxRamSize)} is not supported` };
}

/** The sizes of RAM, for the board's page. */
export function sizesText({ ramSize, ramSizes, maxRamSize }: NewBoard): string {
  if (ramSizes !== undefined) return ramSizes.map(formatSize).join(' or ');
  const standard = `${formatSize(ramSize)} if not given`;
  return maxRamSize === undefined ? standard : `${standard}; up to ${formatSize(maxRamSize)}`;
}

/** What the conformance suite holds the board against, as an object literal without its name. */
export function factsCode(board: NewBoard, indent: string): string {
  const { ramId, ramSize, ramSizes = [] } = board;
  const refused = refusal(board);
  const lines = [`ramId: ${quoted(ramId)},`, `defaultRamSize: ${sizeCode(ramSize).code},`];
  const others = ramSizes.filter((bytes) => bytes !== ramSize);
  if (others.length > 0) lines.push(`accepts: [${others.map((bytes) => sizeCode(bytes).code).join(', ')}],`);
  if (refused) lines.push(`refuses: [{ bytes: ${sizeCode(refused.bytes).code}, text: ${quoted(refused.text)} }],`);
  return `{\n${lines.map((line) => `${indent}  ${line}\n`).join('')}${indent}}`;
}

/** The names of units that {@link factsCode} uses. */
export function factsUnits(board: NewBoard): string[] {
  const { ramSize, ramSizes = [] } = board;
  const refused = refusal(board);
  const sizes = [ramSize, ...ramSizes, ...(refused === undefined ? [] : [refused.bytes])];
  return [...new Set(sizes.map((bytes) => sizeCode(bytes).unit))].sort();
}

/** Names in braces; those that are types are marked so. Sorted as biome does, without regard to the mark. */
export function importLine(names: readonly string[], from: string): string {
  const bare = (name: string): string => name.replace(/^type /, '');
  const sorted = [...new Set(names)].sort((a, b) => compareNames(bare(a), bare(b)));
  const line = `import { ${sorted.join(', ')} } from '${from}';`;
  return line.length <= 120 ? line : `import {\n${sorted.map((name) => `  ${name},\n`).join('')}} from '${from}';`;
}

/** At the first difference: letters first, upper case before lower case of the same letter. */
export function compareNames(a: string, b: string): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x = '', y = ''] = [a[i], b[i]];
    if (x === y) continue;
    const [low, other] = [x.toLowerCase(), y.toLowerCase()];
    return low < other || (low === other && x < y) ? -1 : 1;
  }
  return a.length - b.length;
}
