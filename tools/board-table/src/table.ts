// The page docs/boards/index.md: what every board declares, a board a line.
import {
  type ArchitecturePackage,
  type BoardDefinition,
  BoardRegistry,
  formatBytes,
  KiB,
  MiB,
  ramSizeProblem,
  standardRamSize,
  TiB,
} from '@boardwalk/core';

/** An architecture package, by the name of its folder. */
export interface BoardPackage {
  readonly name: string;
  readonly architecture: ArchitecturePackage;
}

/** Sizes that a board with a check of its own is asked about, in bytes: what no board, some boards and every board can have. */
const PROBES = [MiB(1), MiB(3), MiB(128), MiB(512) + KiB(4), ...[1, 4, 64, 1024].map(TiB)];

/** The first text with which the board refuses a size above or beside those that it can have; none if it takes every size. */
function refusal(board: BoardDefinition): string | undefined {
  const { validRamSizes, maxRamSize, checkRamSize } = board;
  const sizes = [
    ...(validRamSizes === undefined ? [] : [2 * Math.max(...validRamSizes)]),
    ...(checkRamSize === undefined ? [] : PROBES),
    ...(maxRamSize === undefined ? [] : [maxRamSize + KiB(4)]),
  ];
  return sizes.map((bytes) => ramSizeProblem(board, bytes)).find((text) => text !== undefined);
}

function cpuText({ defaultCpu, minCpus = 1, maxCpus }: BoardDefinition): string {
  if (defaultCpu === '') return '-';
  const count = minCpus === maxCpus ? `${maxCpus}` : `${minCpus} to ${maxCpus}`;
  return `${defaultCpu}, ${count}`;
}

function row(packageName: string, board: BoardDefinition, pages: ReadonlySet<string>): string {
  const { name, aliases = [], description, defaultRamId, defaultRamSize = standardRamSize } = board;
  const page = `${packageName}-${name}.md`;
  const label = [name, ...aliases].map((each) => `\`${each}\``).join(', ');
  const text = refusal(board);
  const cells = [
    packageName,
    pages.has(page) ? `[${label}](${page})` : label,
    description,
    cpuText(board),
    defaultRamId === undefined ? '-' : `\`${defaultRamId}\``,
    defaultRamSize === 0 ? '0: only if `-m` gives a size' : formatBytes(defaultRamSize),
    text === undefined ? '-' : `"${text}"`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** The boards of a package, one of each name: architectures of one package share boards. `none` is core's. */
function boardsOf({ architecture }: BoardPackage): BoardDefinition[] {
  const registry = new BoardRegistry(architecture.boards);
  const boards = new Map<string, BoardDefinition>();
  for (const arch of architecture.names) for (const board of registry.list(arch)) boards.set(board.name, board);
  return [...boards.values()];
}

/**
 * The page.
 * @param pages names of the files in docs/boards
 */
export function boardTable(packages: readonly BoardPackage[], pages: ReadonlySet<string>): string {
  const rows = new Map<string, string>();
  for (const each of packages) {
    for (const board of boardsOf(each)) {
      const owner = each.architecture.boards.some(({ name }) => name === board.name) ? each.name : 'core';
      rows.set(`${owner} ${board.name}`, row(owner, board, pages));
    }
  }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
  return `# Boards

Made from the boards by \`pnpm docs:boards\`: do not edit it by hand.

Every board's main RAM comes from a [memory backend](../hostmem.md); without \`memory-backend=\` one is made that is called as the RAM id says. A size that the board cannot have is refused with the text in the last column, for the first size that it refuses.

| package | machine | what it is | default CPU, CPUs | RAM id | RAM if not given | what it refuses |
| --- | --- | --- | --- | --- | --- | --- |
${sorted.join('\n')}
`;
}
