/** Target descriptions: what gdb is told about the registers of a CPU. GDB manual, "Target Description Format". */
import type { DebugDescription, DebugFeature, DebugRegister } from '@boardwalk/core';

const ESCAPES: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };

function attribute(name: string, value: string | number): string {
  return ` ${name}="${String(value).replace(/[<>&"]/g, (c) => ESCAPES[c] ?? c)}"`;
}

function registerXml({ name, bits, type, group }: DebugRegister, number: number): string {
  const optional = `${type === undefined ? '' : attribute('type', type)}${group === undefined ? '' : attribute('group', group)}`;
  return `<reg${attribute('name', name)}${attribute('bitsize', bits)}${attribute('regnum', number)}${optional}/>`;
}

/** A register with its number in the protocol. */
export interface NumberedRegister {
  readonly number: number;
  readonly register: DebugRegister;
}

function numbered(features: readonly DebugFeature[]): readonly (readonly NumberedRegister[])[] {
  let next = 0;
  return features.map(({ registers }) =>
    registers.map((register) => {
      const number = register.number ?? next;
      next = number + 1;
      return { number, register };
    }),
  );
}

/** A description as the stub wants it. */
export interface Target {
  readonly xml: string;
  readonly description: DebugDescription;
  /** Registers of the packets g and G: those of the first feature. */
  readonly general: readonly NumberedRegister[];
  readonly byNumber: ReadonlyMap<number, DebugRegister>;
}

export function makeTarget(description: DebugDescription): Target {
  const { architecture, features } = description;
  const registers = numbered(features);
  const parts = features.map(({ name, types }, i) => {
    const list = (registers[i] ?? []).map(({ number, register }) => registerXml(register, number)).join('');
    return `<feature${attribute('name', name)}>${types ?? ''}${list}</feature>`;
  });
  // A name of our own (it has no colon) is none that gdb knows.
  const known = architecture.includes(':') ? `<architecture>${architecture}</architecture>` : '';
  return {
    xml: `<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0">${known}${parts.join('')}</target>`,
    description,
    general: registers[0] ?? [],
    byNumber: new Map(registers.flat().map(({ number, register }) => [number, register])),
  };
}

/** A register's value as the digits of the protocol: its bytes in the target's order. */
export function encodeRegister(value: bigint, { bits }: DebugRegister, endian: 'little' | 'big'): string {
  const digits = BigInt.asUintN(bits, value)
    .toString(16)
    .padStart(Math.ceil(bits / 8) * 2, '0');
  return endian === 'big' ? digits : reversePairs(digits);
}

/** The value of a register's digits; undefined for what is no such. */
export function decodeRegister(digits: string, { bits }: DebugRegister, endian: 'little' | 'big'): bigint | undefined {
  if (digits.length !== Math.ceil(bits / 8) * 2 || !/^[0-9a-fA-F]+$/.test(digits)) return undefined;
  return BigInt(`0x${endian === 'big' ? digits : reversePairs(digits)}`);
}

function reversePairs(digits: string): string {
  return (digits.match(/../g) ?? []).reverse().join('');
}
