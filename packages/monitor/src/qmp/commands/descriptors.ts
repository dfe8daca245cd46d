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
  closefd: ({ emulator: { descriptors } }, { fdname }) => {
    if (!descriptors?.close(fdname)) throw new UserError(`File descriptor named '${fdname}' not found`);
  },
};
