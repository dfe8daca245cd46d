// -boot: what firmware is told about booting.

import { type BootOptions, UserError } from '@boardwalk/core';
import { type CommandLine, forOption } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';

const MAX_MS = 65_535;

/** @throws UserError for what firmware cannot be told */
export function readBoot(line: CommandLine): BootOptions | undefined {
  const texts = line.all('boot');
  if (texts.length === 0) return undefined;
  return forOption('boot', () => {
    const values = new KeyValues('');
    for (const text of texts) values.merge(new KeyValues(text, 'order'));
    checkLetters(values.take('order'));
    refuseOnce(values.take('once'));
    const menu = values.bool('menu');
    const strict = values.bool('strict');
    const rebootTimeout = milliseconds(values, 'reboot-timeout', -1);
    const splashTime = milliseconds(values, 'splash-time', 0);
    values.finish();
    return {
      ...(menu === undefined ? {} : { menu }),
      ...(strict === undefined ? {} : { strict }),
      ...(rebootTimeout === undefined ? {} : { rebootTimeout }),
      ...(splashTime === undefined ? {} : { splashTime }),
    };
  });
}

/** The order of a PC's drives by their letters. The hardware here has no place for it; a board takes it and knows nothing of it. */
function checkLetters(letters: string | undefined): void {
  if (letters === undefined) return;
  const wrong = [...letters].find((letter) => !/[a-p]/.test(letter));
  if (wrong !== undefined) throw new UserError(`Invalid boot device '${wrong}'`);
  const twice = [...letters].find((letter, i) => letters.indexOf(letter) !== i);
  if (twice !== undefined) throw new UserError(`Boot device '${twice}' was given twice`);
}

/** An order for the first boot alone has to be changed afterwards. */
function refuseOnce(letters: string | undefined): void {
  checkLetters(letters);
  if (letters !== undefined) throw new UserError('no function defined to set boot device list for this architecture');
}

function milliseconds(values: KeyValues, name: string, least: number): number | undefined {
  const text = values.take(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^-?\d+$/.test(text) && value >= least && value <= MAX_MS) return value;
  throw new UserError(`${name} is invalid, it should be a value between ${least} and ${MAX_MS}`);
}
