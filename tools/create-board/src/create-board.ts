// What `create-board` does with its arguments.
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type BoardOptions, checkName, resolveBoard } from './board.ts';
import { Mistake } from './mistake.ts';
import { findRepository, planInRepository } from './monorepo.ts';
import { planPackage } from './own-package.ts';
import { carryOut, type Plan } from './plan.ts';
import type { Template } from './template.ts';
import { PACKAGES, templateOf } from './templates.ts';

export const HELP = `usage: create-board --name NAME [options]

Makes a board: its definition, its test, which runs the conformance suite, and its page. Inside Boardwalk's repository the files go
into an architecture package; with --out they are a package of their own.

  --name NAME            what -M takes: letters, digits and . _ -
  --package PACKAGE      architecture package: ${PACKAGES.join(', ')} (default: ${PACKAGES[0]})
  --out FOLDER           make a package in this folder, which is new or empty
  --description TEXT     what -M help shows
  --ram-id NAME          name of the main RAM (default: NAME.ram)
  --ram-size SIZE        RAM if the user says nothing, such as 64M (default: 128M, or the first of --ram-sizes)
  --ram-sizes SIZE,...   the only sizes that it can have
  --max-ram-size SIZE    the most that it can have
  --cpu MODEL            CPU model if the user says nothing (default: ${PACKAGES.map((name) => `${templateOf(name).defaultCpu} of ${name}`).join(', ')})
  --max-cpus N           default: 1
  --help

On a terminal it asks for the name and the description if they are not given.
`;

/** What is around the program. */
export interface Surroundings {
  /** Where relative paths begin, and where the repository is looked for. */
  readonly folder: string;
  print(text: string): void;
  /** Asks the user; undefined where there is nobody to ask. An empty answer is the default. */
  readonly ask: ((question: string, byDefault: string) => Promise<string>) | undefined;
}

const OPTIONS = {
  name: { type: 'string' },
  package: { type: 'string' },
  out: { type: 'string' },
  description: { type: 'string' },
  'ram-id': { type: 'string' },
  'ram-size': { type: 'string' },
  'ram-sizes': { type: 'string' },
  'max-ram-size': { type: 'string' },
  cpu: { type: 'string' },
  'max-cpus': { type: 'string' },
  help: { type: 'boolean' },
} as const;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    // The first line says it; what follows is advice about dashes.
    const text = error instanceof Error ? error.message : String(error);
    throw new Mistake(text.split('\n', 1)[0]?.split('. ', 1)[0] ?? text);
  }
}

/** Options, completed by asking where that is possible. */
async function complete(given: Partial<BoardOptions>, { ask }: Surroundings): Promise<BoardOptions> {
  const name = given.name ?? (await ask?.('Name of the board', ''));
  if (name === undefined || name === '') throw new Mistake('--name is missing: create-board --help shows the options');
  checkName(name);
  if (given.name !== undefined || ask === undefined) return { ...given, name };
  return { ...given, name, description: given.description ?? (await ask('Description', `${name} board`)) };
}

/** Makes a board. @throws Mistake; nothing has been written then */
export async function createBoard(args: readonly string[], surroundings: Surroundings): Promise<void> {
  const { help, out, package: packageName = PACKAGES[0] ?? '', ...given } = parse(args);
  if (help === true) return surroundings.print(HELP);
  const template = templateOf(packageName);
  const root = out === undefined ? findRepository(surroundings.folder) : undefined;
  if (out === undefined && root === undefined) {
    throw new Mistake("this is not Boardwalk's repository: --out FOLDER makes a package of its own");
  }
  const board = resolveBoard(await complete(given, surroundings), template.defaultCpu);
  template.check?.(board);
  const plan =
    root === undefined
      ? planPackage(resolve(surroundings.folder, out ?? ''), template, board)
      : planInRepository(root, packageName, template, board);
  carryOut(plan);
  surroundings.print(report(plan, surroundings.folder));
  surroundings.print(
    root === undefined
      ? stepsOfPackage(plan, board.name, template, surroundings.folder)
      : stepsInRepository(packageName, board.name),
  );
}

function report({ folder, made, changed }: Plan, from: string): string {
  const shown = (name: string): string => relative(from, resolve(folder, name)) || name;
  const lines = [...made.keys()].map((name) => `made     ${shown(name)}\n`);
  return [...lines, ...[...changed.keys()].map((name) => `changed  ${shown(name)}\n`)].join('');
}

function stepsInRepository(packageName: string, name: string): string {
  return `
Next:
  pnpm docs:boards                                  the table of boards
  npx vitest run packages/${packageName}/src/boards
  npm start, or node_modules/.bin/boardwalk-system-* -M ${name} after pnpm build
Then the hardware: packages/${packageName}/src/boards/${name}.ts, its devices, and its page.
`;
}

function stepsOfPackage({ folder }: Plan, name: string, { arch, run }: Template, from: string): string {
  const where = relative(from, folder) || '.';
  return `
Next:
  cd ${where}
  npm install
  npm test
  npm run build
  npx boardwalk-system-${arch} --load dist/index.js -M ${name} -nographic ${run}
Then the hardware: src/${name}.ts, its devices, and README.md.
`;
}
