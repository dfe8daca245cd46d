#!/usr/bin/env node
import { createInterface, type Interface } from 'node:readline/promises';
import { createBoard, type Surroundings } from './create-board.ts';
import { Mistake } from './mistake.ts';

let lines: Interface | undefined;

/** Asks on the terminal; nobody is asked in a script. */
const terminal: Surroundings['ask'] =
  process.stdin.isTTY && process.stdout.isTTY
    ? async (question, byDefault) => {
        // One for all questions: what is typed ahead stays in it.
        lines ??= createInterface({ input: process.stdin, output: process.stdout });
        try {
          const answer = await lines.question(byDefault === '' ? `${question}: ` : `${question} (${byDefault}): `);
          return answer.trim() || byDefault;
        } catch {
          // Ctrl-c or Ctrl-d.
          process.stdout.write('\n');
          throw new Mistake('ended without an answer: nothing was written');
        }
      }
    : undefined;

try {
  await createBoard(process.argv.slice(2), {
    // pnpm and npm run scripts in the folder of package.json, and say where the user was.
    folder: process.env.INIT_CWD ?? process.cwd(),
    print: (text) => process.stdout.write(text),
    ask: terminal,
  });
} catch (error) {
  if (!(error instanceof Mistake)) throw error;
  process.stderr.write(`create-board: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  lines?.close();
}
