// -qtest-log: where the lines that qtest says and hears go.

import { openSync, writeSync } from 'node:fs';
import { UserError } from '@boardwalk/core';
import { hostError } from '@boardwalk/host-node';

const STDERR = 2;

/**
 * @param target a file's path, `none`, or undefined for standard error
 * @returns takes a line; undefined for no log
 * @throws UserError if the file cannot be written
 */
export function openQtestLog(target: string | undefined): ((line: string) => void) | undefined {
  if (target === 'none') return undefined;
  const fd = target === undefined ? STDERR : openLog(target);
  return (line) => {
    try {
      writeSync(fd, `${line}\n`);
    } catch {
      // Nobody reads, or the disk is full: the log is lost, the test goes on.
    }
  };
}

function openLog(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    const problem = hostError(path, error);
    throw new UserError(`-qtest-log: ${problem.message}`);
  }
}
