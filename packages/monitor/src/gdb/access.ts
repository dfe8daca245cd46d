/** Registers, memory, breakpoints and watchpoints: the packets g G p P m M X Z z. GDB manual, "Packets". */
import { ATTR_DEBUG } from '@boardwalk/core';
import { fromHex, hexNumber, PACKET_BYTES, toBytes, toHex } from './packet.ts';
import { ERROR, type GdbState } from './state.ts';
import { decodeRegister, encodeRegister, type NumberedRegister } from './target-xml.ts';

/** Breakpoints and watchpoints that a session may have. */
const MOST_POINTS = 256;
const ADDRESS_LIMIT = 2n ** 52n;

function readNumbered(state: GdbState, { number, register }: NumberedRegister): string | undefined {
  const value = state.debug?.readRegister(number);
  const endian = state.target?.description.endian ?? 'little';
  return value === undefined ? undefined : encodeRegister(value, register, endian);
}

/** g */
export function readRegisters(state: GdbState): string {
  return (state.target?.general ?? []).map((register) => readNumbered(state, register) ?? '').join('');
}

/** G: as many registers as there are digits for. */
export function writeRegisters(state: GdbState, digits: string): string {
  const { debug, target } = state;
  if (debug === undefined || target === undefined || fromHex(digits) === undefined) return ERROR.invalid;
  let at = 0;
  for (const { number, register } of target.general) {
    const length = Math.ceil(register.bits / 8) * 2;
    const value = decodeRegister(digits.slice(at, at + length), register, target.description.endian);
    if (value === undefined) break;
    fromOutside(state, () => debug.writeRegister(number, value));
    at += length;
  }
  return 'OK';
}

/** p */
export function readRegister(state: GdbState, text: string): string {
  const number = Number(hexNumber(text) ?? -1n);
  const register = state.target?.byNumber.get(number);
  return (register && readNumbered(state, { number, register })) ?? ERROR.fault;
}

/** P */
export function writeRegister(state: GdbState, text: string): string {
  const [, name, digits = ''] = /^([0-9a-fA-F]+)=([0-9a-fA-F]+)$/.exec(text) ?? [];
  const number = Number(hexNumber(name) ?? -1n);
  const { debug, target } = state;
  const register = target?.byNumber.get(number);
  if (debug === undefined || target === undefined || register === undefined) return ERROR.invalid;
  const value = decodeRegister(digits, register, target.description.endian);
  if (value === undefined) return ERROR.invalid;
  return fromOutside(state, () => debug.writeRegister(number, value)) ? 'OK' : ERROR.fault;
}

/** Does what the debugger does to the machine: when that moment comes again, it is done again. */
export function fromOutside<T>({ machine }: GdbState, change: () => T): T | undefined {
  let result: T | undefined;
  machine?.history.act(() => {
    result = change();
  });
  return result;
}

function addressAndLength(text: string): { readonly address: bigint; readonly length: number } | undefined {
  const [first, second, ...rest] = text.split(',');
  const address = hexNumber(first);
  const length = hexNumber(second);
  if (address === undefined || length === undefined || rest.length > 0) return undefined;
  return length > BigInt(PACKET_BYTES) ? undefined : { address, length: Number(length) };
}

/** m */
export function readMemory(state: GdbState, text: string): string {
  const range = addressAndLength(text);
  if (range === undefined || range.length * 2 > PACKET_BYTES) return ERROR.invalid;
  const bytes = new Uint8Array(range.length);
  return access(state, range.address, bytes, 'read') ? toHex(bytes) : ERROR.fault;
}

/** M and X: the bytes as digits, or as they are. */
export function writeMemory(state: GdbState, text: string, binary: boolean): string {
  const colon = text.indexOf(':');
  const range = addressAndLength(text.slice(0, Math.max(colon, 0)));
  if (range === undefined) return ERROR.invalid;
  const data = text.slice(colon + 1);
  const bytes = binary ? toBytes(data) : fromHex(data);
  if (bytes === undefined || bytes.length !== range.length) return ERROR.invalid;
  return fromOutside(state, () => access(state, range.address, bytes, 'write')) ? 'OK' : ERROR.fault;
}

function access(state: GdbState, address: bigint, bytes: Uint8Array, way: 'read' | 'write'): boolean {
  const { debug, machine } = state;
  if (machine === undefined || debug === undefined) return false;
  if (!state.physical) return way === 'read' ? debug.readMemory(address, bytes) : debug.writeMemory(address, bytes);
  if (address + BigInt(bytes.length) > ADDRESS_LIMIT) return false;
  const { addressSpace } = machine;
  const at = Number(address);
  const result =
    way === 'read' ? addressSpace.readBytes(at, bytes, ATTR_DEBUG) : addressSpace.writeBytes(at, bytes, ATTR_DEBUG);
  return result >= 0;
}

/** Z and z */
export function changePoint(state: GdbState, text: string, insert: boolean): string {
  const [, digit = '', where, size] = /^(\d),([0-9a-fA-F]+),([0-9a-fA-F]+)(?:;.*)?$/.exec(text) ?? [];
  const type = Number.parseInt(digit, 10);
  if (Number.isNaN(type)) return ERROR.invalid;
  if (type > 4) return '';
  const address = hexNumber(where);
  const length = hexNumber(size);
  if (address === undefined || length === undefined || (type >= 2 && length === 0n)) return ERROR.invalid;
  const point = { type, address, length };
  if (!insert) return state.remove(point) ? 'OK' : ERROR.invalid;
  if (state.pointCount >= MOST_POINTS) return ERROR.invalid;
  state.insert(point);
  return 'OK';
}
