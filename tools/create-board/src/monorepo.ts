// A board inside Boardwalk's own repository: its file, its test, its page, and its entries in the files that list boards.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { NewBoard } from './board.ts';
import { Mistake } from './mistake.ts';
import type { Plan } from './plan.ts';
import { compareNames, factsCode, factsUnits, importLine, quoted, type Template } from './template.ts';

/** The folder of the repository that a folder is in, if it is in one. */
export function findRepository(from: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    if (existsSync(join(at, 'pnpm-workspace.yaml')) && existsSync(join(at, 'packages', 'core', 'package.json')))
      return at;
    if (dirname(at) === at) return undefined;
  }
}

/** Puts a line among those that match, by order; after the last of them if it comes last. */
function insertSorted(text: string, line: string, among: RegExp, what: string): string {
  const lines = text.split('\n');
  const places = lines.flatMap((candidate, at) => (among.test(candidate) ? [at] : []));
  const last = places.at(-1);
  if (last === undefined) throw new Mistake(`there is no place for the board in ${what}`);
  const key = (candidate: string): string => among.exec(candidate)?.[1] ?? '';
  const place = places.find((at) => compareNames(key(lines[at] ?? ''), key(line)) > 0) ?? last + 1;
  lines.splice(place, 0, line);
  return lines.join('\n');
}

function replaceOnce(
  text: string,
  pattern: RegExp,
  replacement: (match: RegExpExecArray) => string,
  what: string,
): string {
  const match = pattern.exec(text);
  if (match === null) throw new Mistake(`there is no place for the board in ${what}`);
  return text.slice(0, match.index) + replacement(match) + text.slice(match.index + match[0].length);
}

const key = (name: string): string => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : quoted(name));

/** The board in the list of its architecture. */
function listBoard(text: string, { name, identifier }: NewBoard): string {
  const what = 'src/architecture.ts';
  const line = `import { ${identifier} } from './boards/${name}.ts';`;
  const imported = insertSorted(text, line, /^import .* from '(\.\/boards\/[^']+)';$/, what);
  return replaceOnce(imported, /boards: \[([^\]]*)\]/, ([, list = '']) => `boards: [${list}, ${identifier}]`, what);
}

function exportBoard(text: string, { name, identifier }: NewBoard): string {
  const line = `export { ${identifier} } from './boards/${name}.ts';`;
  return insertSorted(text, line, /^export .* from '(\.\/boards\/[^']+)';$/, 'src/index.ts');
}

/** What the conformance suite holds the board against. */
function addFacts(text: string, board: NewBoard): string {
  const what = 'src/boards/conformance.test.ts';
  const entry = `  ${key(board.name)}: ${factsCode(board, '  ')},\n`;
  const added = replaceOnce(
    text,
    /(const FACTS[^=]*= \{\n[\s\S]*?)(^\};\n)/m,
    ([, before, end]) => `${before}${entry}${end}`,
    what,
  );
  const importOf = /^import \{([^}]*)\} from '@boardwalk\/core';$/m;
  return replaceOnce(
    added,
    importOf,
    ([, names = '']) =>
      importLine(
        [...names.split(',').map((name) => name.trim()), ...factsUnits(board)].filter((name) => name !== ''),
        '@boardwalk/core',
      ),
    what,
  );
}

/** A line in the list of documentation, after those of the other boards. */
function linkPage(text: string, page: string, title: string): string {
  const lines = text.split('\n');
  const last = lines.findLastIndex((line) => line.includes('](boards/'));
  if (last < 0) throw new Mistake('there is no place for the board in docs/index.md');
  lines.splice(last + 1, 0, `- [${title}](boards/${page}): the board's devices, options, what is missing.`);
  return lines.join('\n');
}

/** Names and aliases of the boards that are in a package's files. */
function checkFree(folder: string, name: string): void {
  for (const file of readdirSync(folder).filter(
    (candidate) => candidate.endsWith('.ts') && !candidate.endsWith('.test.ts'),
  )) {
    const text = readFileSync(join(folder, file), 'utf8');
    const names = [...text.matchAll(/^ {2}name: '([^']+)'|^ {2}aliases: \[([^\]]*)\]/gm)];
    const taken = names.flatMap(([, own, aliases = '']) => [
      own,
      ...[...aliases.matchAll(/'([^']+)'/g)].map((match) => match[1]),
    ]);
    if (taken.includes(name)) throw new Mistake(`--name '${name}': there is a board of this name in ${file}`);
  }
  for (const suffix of ['.ts', '.test.ts']) {
    if (existsSync(join(folder, name + suffix)))
      throw new Mistake(`--name '${name}': there is a file ${name}${suffix}`);
  }
}

/** Everything that a board in the repository consists of. @throws Mistake */
export function planInRepository(root: string, packageName: string, template: Template, board: NewBoard): Plan {
  const base = `packages/${packageName}`;
  const boards = join(root, base, 'src', 'boards');
  if (!existsSync(boards)) throw new Mistake(`--package '${packageName}': ${base} is not in this repository`);
  checkFree(boards, board.name);
  const read = (name: string): string => readFileSync(join(root, name), 'utf8');
  const command = `boardwalk-system-${template.arch} -M ${board.name}`;
  const page = `${packageName}-${board.name}.md`;
  const title = template.page(board, command).split('\n', 1)[0]?.replace(/^# /, '') ?? board.name;
  const testImports = [
    importLine(['UserError'], '@boardwalk/core'),
    importLine(['machineBooter'], '@boardwalk/testing'),
    importLine(['afterEach', 'describe', 'expect', 'it'], 'vitest'),
    importLine([board.identifier], `./${board.name}.ts`),
  ];
  return {
    folder: root,
    made: new Map([
      [`${base}/src/boards/${board.name}.ts`, template.board(board, 'monorepo')],
      [`${base}/src/boards/${board.name}.test.ts`, `${testImports.join('\n')}\n\n${template.test(board, 'monorepo')}`],
      [`docs/boards/${page}`, template.page(board, command)],
      [`.changeset/board-${packageName}-${board.name}.md`, changeset(packageName, board)],
    ]),
    changed: new Map([
      [`${base}/src/architecture.ts`, listBoard(read(`${base}/src/architecture.ts`), board)],
      [`${base}/src/index.ts`, exportBoard(read(`${base}/src/index.ts`), board)],
      [`${base}/src/boards/conformance.test.ts`, addFacts(read(`${base}/src/boards/conformance.test.ts`), board)],
      ['docs/index.md', linkPage(read('docs/index.md'), page, title)],
    ]),
  };
}

function changeset(packageName: string, { name, description }: NewBoard): string {
  return `---\n'@boardwalk/${packageName}': minor\n---\n\nThe board \`${name}\`: ${description.replace(/\.?$/, '.')}\n`;
}
