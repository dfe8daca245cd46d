// Open files passed to the program (qapi/misc.json).
import { command, int, list, opt, str, struct } from './dsl.ts';

export const AddfdInfo = struct('AddfdInfo', { 'fdset-id': int, fd: int });
export const FdsetInfo = struct('FdsetInfo', {
  'fdset-id': int,
  fds: list(struct('FdsetFdInfo', { fd: int, opaque: opt(str) })),
});

export const descriptorCommands = {
  getfd: command({
    doc: 'Takes the open file that came along with this command (SCM_RIGHTS) under a name, for `migrate` to `fd:NAME`.',
    args: { fdname: str },
  }),
  'add-fd': command({
    doc: 'Takes the open file that came along into a set, for `/dev/fdset/N` in place of a path.',
    args: { 'fdset-id': opt(int), opaque: opt(str) },
    returns: AddfdInfo,
  }),
  'remove-fd': command({
    doc: 'Closes a file of a set, or all of them.',
    args: { 'fdset-id': int, fd: opt(int) },
  }),
  'query-fdsets': command({ doc: 'The sets of open files.', returns: list(FdsetInfo) }),
  closefd: command({ doc: 'Closes a file that `getfd` took.', args: { fdname: str } }),
} as const;
