// JSON values with integers of 64 bits: a bigint only where a number would not be exact.

/** A JSON value. */
export type JsonValue = null | boolean | number | bigint | string | readonly JsonValue[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/** Whether a value is an object, not a list and not null. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * JSON text of a value, ASCII only, so that it passes through any terminal. `undefined` members of objects are left out; a number
 * that JSON has no text for is `null`.
 */
export function formatJson(value: unknown): string {
  return format(value, undefined);
}

/** The same on several lines, each level four columns further in. */
export function formatPrettyJson(value: unknown): string {
  return format(value, '\n');
}

/** @param lineEnd with the indentation of the present level; undefined for one line */
function format(value: unknown, lineEnd: string | undefined): string {
  if (typeof value === 'bigint') return value.toString();
  const inner = lineEnd === undefined ? undefined : `${lineEnd}    `;
  const list = (items: readonly string[]): string =>
    lineEnd === undefined ? items.join(', ') : `${items.map((item) => `${inner}${item}`).join(',')}${lineEnd}`;
  if (Array.isArray(value)) return `[${list(value.map((item) => format(item, inner)))}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return `{${list(members.map(([name, member]) => `${formatString(name)}: ${format(member, inner)}`))}}`;
  }
  return typeof value === 'string' ? formatString(value) : JSON.stringify(value ?? null);
}

/** The code units that JSON leaves as they are and ASCII has not, besides DEL. */
const NOT_ASCII = /[\u007f-\uffff]/g;

function formatString(text: string): string {
  return JSON.stringify(text).replace(NOT_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
