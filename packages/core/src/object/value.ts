// Reading property values: from option strings ("on", "0x10", "512M") and from JSON values. What is accepted and the texts
// of the errors are those of QEMU 7.2 (read off `-object`, `-device` and QMP qom-set), because clients match them.

import type { PropertySpec } from './property.ts';
import { UserError } from './user-error.ts';

const TRUE_WORDS: readonly string[] = ['on', 'yes', 'true', 'y'];
const FALSE_WORDS: readonly string[] = ['off', 'no', 'false', 'n'];
const SIZE_UNITS = 'BKMGTPE';
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** An integer property's value: a bigint only where a number would not be exact. */
export type IntegerValue = number | bigint;

function narrow(value: bigint): IntegerValue {
  return value >= -MAX_SAFE && value <= MAX_SAFE ? Number(value) : value;
}

function expects(name: string, what: string): UserError {
  return new UserError(`Parameter '${name}' expects ${what}`);
}

/** The error for a JSON value of the wrong kind. `expected` is `boolean`, `integer`, `string`, `number` or a type's name. */
export function invalidType(name: string, expected: string): UserError {
  return new UserError(`Invalid parameter type for '${name}', expected: ${expected}`);
}

/** Reads `on`, `yes`, `true`, `y` and their opposites. Throws UserError naming the parameter. */
export function parseBool(text: string, name: string): boolean {
  if (TRUE_WORDS.includes(text)) return true;
  if (FALSE_WORDS.includes(text)) return false;
  throw expects(name, "'on' or 'off'");
}

/** Reads a decimal, hexadecimal (`0x`) or octal (leading `0`) integer, as strtoll with base 0 does. Throws UserError. */
export function parseInteger(text: string, name: string): bigint {
  const match = /^\s*([+-]?)(?:0x([0-9a-f]+)|0([0-7]+)|(0|[1-9][0-9]*))$/i.exec(text);
  if (!match) throw expects(name, 'integer');
  const [, sign, hex, octal, decimal] = match;
  let magnitude: bigint;
  if (hex !== undefined) magnitude = BigInt(`0x${hex}`);
  else if (octal !== undefined) magnitude = BigInt(`0o${octal}`);
  else magnitude = BigInt(decimal ?? '0');
  return sign === '-' ? -magnitude : magnitude;
}

/**
 * Reads a size in bytes: a number, with a fraction if a suffix follows (`1.5G`), the suffix one of B K M G T P E in either
 * case and in powers of 1024, or a plain hexadecimal number. Throws UserError naming the parameter.
 *
 * @param defaultUnit the suffix that is meant when none is given (`M` for `-m 128`)
 */
export function parseSize(text: string, name: string, defaultUnit = 'B'): number {
  const error = expects(name, 'a size value');
  const match = /^\s*(?:(0x[0-9a-f]+)|([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([BKMGTPE]?))$/i.exec(text);
  if (!match) throw error;
  const [, hex, decimal, suffix] = match;
  const unit = SIZE_UNITS.indexOf((suffix || defaultUnit).toUpperCase());
  const amount = Number(hex ?? decimal);
  if ((unit === 0 || !suffix) && !Number.isInteger(amount)) throw error;
  const bytes = Math.floor(amount * 1024 ** (hex === undefined || defaultUnit !== 'B' ? unit : 0));
  if (!Number.isSafeInteger(bytes)) throw new UserError(`Value '${text}' is out of range for parameter '${name}'`);
  return bytes;
}

interface IntegerRange {
  readonly min: bigint;
  readonly max: bigint;
  /** How an error names it. */
  readonly label: string;
}

function integerRange(type: string): IntegerRange | undefined {
  const match = /^(u?)int(8|16|32|64)?$/.exec(type);
  if (!match) return undefined;
  const bits = BigInt(match[2] ?? 64);
  return match[1] === 'u'
    ? { min: 0n, max: (1n << bits) - 1n, label: `uint${bits}_t` }
    : { min: -(1n << (bits - 1n)), max: (1n << (bits - 1n)) - 1n, label: `int${bits}_t` };
}

function checkInteger(name: string, range: IntegerRange, given: bigint): IntegerValue {
  // A 64-bit unsigned property takes negative numbers for the pattern of bits that they are.
  const value = range.max === 0xffff_ffff_ffff_ffffn && given < 0n ? BigInt.asUintN(64, given) : given;
  if (value < range.min || value > range.max) throw expects(name, range.label);
  return narrow(value);
}

function integerFromJson(name: string, value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  throw invalidType(name, 'integer');
}

function numberFrom(name: string, value: unknown, text: boolean): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !text) throw invalidType(name, 'number');
  const result = value.trim() === '' ? Number.NaN : Number(value);
  if (!Number.isFinite(result)) throw expects(name, 'number');
  return result;
}

function enumFrom(spec: PropertySpec, values: readonly string[], value: unknown): string {
  if (typeof value !== 'string') throw invalidType(spec.name, 'string');
  if (!values.includes(value)) throw new UserError(`Parameter '${spec.name}' does not accept value '${value}'`);
  return value;
}

function sizeFrom(name: string, value: unknown, text: boolean): number {
  if (text && typeof value === 'string') return parseSize(value, name);
  const bytes = Number(integerFromJson(name, value));
  if (bytes < 0 || !Number.isSafeInteger(bytes)) throw expects(name, 'uint64');
  return bytes;
}

/**
 * Converts a value to a property's type (links excepted, which need the object tree).
 *
 * @param text whether a string is an option's text, to be read by type; if not, it is a JSON string, right only for `str` and enumerations
 * @throws UserError in QEMU's words
 */
export function convertValue(spec: PropertySpec, value: unknown, text: boolean): unknown {
  const { name, type } = spec;
  if (spec.parse) return spec.parse(value);
  if (spec.values) return enumFrom(spec, spec.values, value);
  const range = integerRange(type);
  if (range) {
    const given = text && typeof value === 'string' ? parseInteger(value, name) : integerFromJson(name, value);
    return checkInteger(name, range, given);
  }
  switch (type) {
    case 'bool':
      if (text && typeof value === 'string') return parseBool(value, name);
      if (typeof value !== 'boolean') throw invalidType(name, 'boolean');
      return value;
    case 'str':
    case 'string':
      if (typeof value !== 'string') throw invalidType(name, 'string');
      return value;
    case 'size':
      return sizeFrom(name, value, text);
    case 'number':
      return numberFrom(name, value, text);
    default:
      throw new Error(`property '${name}' has the unknown type '${type}' and no parser`);
  }
}
