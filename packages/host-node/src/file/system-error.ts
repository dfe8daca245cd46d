// The operating system's refusals, in words.

import { getSystemErrorMap } from 'node:util';
import { UserError } from '@boardwalk/core';

/** What went wrong in a call of the operating system: 'no such file or directory'. */
export function systemErrorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errno, code } = error as NodeJS.ErrnoException;
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? code ?? error.message;
}

/** Words with a capital, as QEMU's clients know them: `No such file or directory`. */
export function capitalized(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

/** `error` as a user's mistake with a file or an address. */
export function hostError(path: string, error: unknown): UserError {
  return error instanceof UserError ? error : new UserError(`${path}: ${systemErrorText(error)}`);
}
