// What differs between two values made of plain data, as lines that a person can read.

/** Differences that are listed before the rest is only counted. */
const SHOWN = 10;

/** A value as a line shows it; Infinity and bigint included, which JSON does not have. */
export function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return `'${value}'`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function* walk(path: string, left: unknown, right: unknown): Generator<string> {
  if (isObject(left) && isObject(right)) {
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
      yield* walk(path === '' ? key : `${path}.${key}`, left[key], right[key]);
    }
  } else if (!Object.is(left, right)) {
    yield `${path}: ${show(left)}, expected ${show(right)}`;
  }
}

/** Lines `path: value, expected value`; none if the values are equal, element by element. */
export function differences(actual: unknown, expected: unknown): string[] {
  const lines = [...walk('', actual, expected)];
  return lines.length > SHOWN ? [...lines.slice(0, SHOWN), `and ${lines.length - SHOWN} more`] : lines;
}
