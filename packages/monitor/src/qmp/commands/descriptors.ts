// Commands about open files that a client passes.
import { UserError } from '@boardwalk/core';
import type { descriptorCommands } from '../schema/descriptors.ts';
import type { Handlers } from './context.ts';

export const descriptorHandlers: Handlers<keyof typeof descriptorCommands> = {
  getfd: ({ emulator: { descriptors } }, { fdname }) => {
    if (!descriptors?.waiting) throw new UserError('No file descriptor supplied via SCM_RIGHTS');
    if (/^\d/.test(fdname)) throw new UserError("Parameter 'fdname' expects a name not starting with a digit");
    descriptors.name(fdname);
  },
  'add-fd': ({ emulator: { descriptors } }, { 'fdset-id': set, opaque }) => {
    if (!descriptors?.waiting) throw new UserError('No file descriptor supplied via SCM_RIGHTS');
    if (set !== undefined && set < 0) throw new UserError("Parameter 'fdset-id' expects a non-negative value");
    const added = descriptors.addToSet(set === undefined ? undefined : Number(set), opaque);
    return { 'fdset-id': added.set, fd: added.fd };
  },
  'remove-fd': ({ emulator: { descriptors } }, { 'fdset-id': set, fd }) => {
    if (descriptors?.removeFromSet(Number(set), fd === undefined ? undefined : Number(fd))) return;
    const name = `fdset-id:${set}${fd === undefined ? '' : `, fd:${fd}`}`;
    throw new UserError(`File descriptor named '${name}' not found`);
  },
  'query-fdsets': ({ emulator: { descriptors } }) =>
    (descriptors?.sets ?? []).map(({ set, files }) => ({
      'fdset-id': set,
      fds: files.map(({ fd, opaque }) => ({ fd, ...(opaque === undefined ? {} : { opaque }) })),
    })),
  closefd: ({ emulator: { descriptors } }, { fdname }) => {
    if (!descriptors?.close(fdname)) throw new UserError(`File descriptor named '${fdname}' not found`);
  },
};
