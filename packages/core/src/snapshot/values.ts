// Device states as text: JSON, with the values that JSON lacks in objects of one key.
import type { DeviceState, StateValue } from '../device/state.ts';
import { damaged } from './sections.ts';

/** A device's state with its place in the machine. */
export interface SavedDevice {
  readonly path: string;
  readonly state: DeviceState;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** UTF-8 of a value's JSON. A bigint is `{"int": "0x..."}`, bytes are `{"hex": "..."}`. */
export function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(
    JSON.stringify(value, (_key, v: unknown) => {
      if (typeof v === 'bigint') return { int: `${v < 0n ? '-' : ''}0x${(v < 0n ? -v : v).toString(16)}` };
      if (v instanceof Uint8Array) return { hex: hexOf(v) };
      return typeof v === 'number' && !Number.isFinite(v) ? { number: String(v) } : v;
    }),
  );
}

/** @throws UserError for what is not such a text */
export function decodeJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes), (_key, v: unknown) => {
      if (typeof v !== 'object' || v === null) return v;
      if ('int' in v && typeof v.int === 'string')
        return v.int.startsWith('-') ? -BigInt(v.int.slice(1)) : BigInt(v.int);
      if ('hex' in v && typeof v.hex === 'string') return bytesOf(v.hex);
      return 'number' in v && typeof v.number === 'string' ? Number(v.number) : v;
    });
  } catch {
    throw damaged();
  }
}

/** @throws UserError where the bytes are no device's state */
export function decodeDevice(bytes: Uint8Array): SavedDevice {
  const value = decodeJson(bytes);
  if (!isRecord(value) || typeof value.path !== 'string' || !isDeviceState(value.state)) throw damaged();
  return { path: value.path, state: value.state };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDeviceState(value: unknown): value is DeviceState {
  if (!isRecord(value) || typeof value.type !== 'string' || typeof value.version !== 'number') return false;
  const { fields, inputs, outputs } = value;
  const levels = (of: unknown): boolean =>
    isRecord(of) && Object.values(of).every((group) => isArrayOf(group, 'boolean'));
  return isRecord(fields) && Object.values(fields).every(isStateValue) && levels(inputs) && levels(outputs);
}

function isStateValue(value: unknown): value is StateValue {
  if (Array.isArray(value)) return value.every((v) => ['number', 'bigint', 'boolean'].includes(typeof v));
  return value instanceof Uint8Array || ['number', 'bigint', 'boolean'].includes(typeof value);
}

function isArrayOf(value: unknown, type: string): boolean {
  return Array.isArray(value) && value.every((v) => typeof v === type);
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function bytesOf(hex: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/.test(hex)) throw damaged();
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}
