// -name and -uuid: how a guest is called.

import { UserError } from '@boardwalk/core';
import { type CommandLine, forOption } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';

/** A guest's names. */
export interface Identity {
  readonly guestName: string | undefined;
  /** In lower case. */
  readonly uuid: string | undefined;
  /** Shows the name in process lists, when everything else is right. */
  apply(): void;
}

/** @throws UserError for what is no name or UUID */
export function readIdentity(line: CommandLine, program: string): Identity {
  const text = line.last('name');
  const uuid = line.last('uuid');
  if (uuid !== undefined && !/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid)) {
    throw new UserError(`-uuid: '${uuid}' is no UUID: 8-4-4-4-12 hexadecimal digits are`);
  }
  const name = text === undefined ? {} : forOption('name', () => readName(text));
  return {
    guestName: name.guest,
    uuid: uuid?.toLowerCase(),
    apply() {
      if (text !== undefined) process.title = name.process ?? `${program} ${name.guest ?? ''}`;
    },
  };
}

function readName(text: string): { readonly guest?: string | undefined; readonly process?: string | undefined } {
  const values = new KeyValues(text, 'guest');
  const name = { guest: values.take('guest'), process: values.take('process') };
  values.bool('debug-threads');
  values.finish();
  return name;
}
