// Runs a command line in this process, as the program would.

import { type Program, processProgram } from '../src/program.ts';
import { run } from '../src/run.ts';

/** What a program said, and how it ended. */
export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Starts; `ended` is done at its end. @param more what the program has from elsewhere than this process */
export function startProgram(
  argv: readonly string[],
  arch = 'riscv64',
  more: Partial<Program> = {},
): { readonly ended: Promise<Outcome> } {
  const said = { out: '', err: '' };
  const program = {
    ...processProgram(arch),
    ...more,
    out: (text: string) => {
      said.out += text;
    },
    err: (text: string) => {
      said.err += text;
    },
  };
  return { ended: run(arch, argv, program).then((status) => ({ status, ...said })) };
}
