// One JSON text, read whole.
import { UserError } from '@boardwalk/core';
import { JsonReader } from './reader.ts';
import type { JsonValue } from './value.ts';

/** Reads a text that is one JSON value. @throws UserError for any other */
export function readJson(text: string): JsonValue {
  const values: JsonValue[] = [];
  const reader = new JsonReader(
    (value) => values.push(value),
    (problem) => {
      throw new UserError(problem);
    },
  );
  reader.feed(new TextEncoder().encode(text));
  reader.end();
  const [value] = values;
  if (value === undefined || values.length > 1) throw new UserError('JSON parse error, expecting value');
  return value;
}
