// Open files passed to the program (qapi/misc.json).
import { command, str } from './dsl.ts';

export const descriptorCommands = {
  getfd: command({
    doc: 'Takes the open file that came along with this command (SCM_RIGHTS) under a name, for `migrate` to `fd:NAME`.',
    args: { fdname: str },
  }),
  closefd: command({ doc: 'Closes a file that `getfd` took.', args: { fdname: str } }),
} as const;
