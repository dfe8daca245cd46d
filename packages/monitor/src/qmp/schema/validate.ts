// Checks JSON values against the schema, with QEMU's error texts, which clients match.
import { invalidType, type TypeRegistry, UserError } from '@boardwalk/core';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/value.ts';
import type { AnyType, BuiltinName, CommandSpec, Member, TypeNode } from './dsl.ts';
import { membersOf } from './dsl.ts';

interface IntegerRange {
  readonly min: bigint;
  readonly max: bigint;
  readonly label: string;
}

const unsigned = (bits: bigint): IntegerRange => ({ min: 0n, max: 2n ** bits - 1n, label: `uint${bits}_t` });
const INT64: IntegerRange = { min: -(2n ** 63n), max: 2n ** 63n - 1n, label: 'int64' };
const UINT64: IntegerRange = { ...unsigned(64n), label: 'uint64' };

const RANGES: Partial<Record<BuiltinName, IntegerRange>> = {
  int: INT64,
  uint8: unsigned(8n),
  uint16: unsigned(16n),
  uint32: unsigned(32n),
  uint64: UINT64,
  size: UINT64,
};

/**
 * Checks the arguments of a command.
 * @param types those of objects that there are
 * @throws UserError naming the first argument that is missing, wrong or unexpected
 */
export function checkArguments(spec: CommandSpec, given: JsonObject, types: TypeRegistry): void {
  if (spec.refine) checkValue(spec.refine(types), given, '');
  else if (spec.union) checkValue(spec.union, given, '');
  else checkMembers(membersOf(spec.args ?? {}), given, '', spec.open === true);
}

/** Checks a value. @param name how errors call it @throws UserError */
export function checkValue(type: AnyType, value: JsonValue, name: string): void {
  const { node } = type;
  switch (node.kind) {
    case 'builtin':
      checkBuiltin(node.name, value, name);
      break;
    case 'enum':
      if (typeof value !== 'string') throw invalidType(name, 'string');
      if (!node.values.includes(value)) {
        // QEMU names the member alone here, and its path elsewhere.
        throw new UserError(`Parameter '${name.slice(name.lastIndexOf('.') + 1)}' does not accept value '${value}'`);
      }
      break;
    case 'struct':
      checkMembers(node.members, asObject(value, name), name, false);
      break;
    case 'array':
      if (!Array.isArray(value)) throw invalidType(name, 'array');
      value.forEach((item: JsonValue, i) => {
        checkValue(node.element, item, `${name}[${i}]`);
      });
      break;
    case 'alternate':
      checkAlternate(node, value, name);
      break;
    case 'union':
      checkUnion(node, asObject(value, name), name);
      break;
  }
}

function asObject(value: JsonValue, name: string): JsonObject {
  if (!isJsonObject(value)) throw invalidType(name, 'object');
  return value;
}

function checkMembers(
  members: Readonly<Record<string, Member>>,
  given: JsonObject,
  prefix: string,
  open: boolean,
): void {
  const path = (name: string): string => (prefix === '' ? name : `${prefix}.${name}`);
  for (const [name, member] of Object.entries(members)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value !== undefined) checkValue(member.type, value, path(name));
    else if (!member.optional) throw new UserError(`Parameter '${path(name)}' is missing`);
  }
  if (open) return;
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(members, name));
  if (unknown !== undefined) throw new UserError(`Parameter '${path(unknown)}' is unexpected`);
}

function checkUnion(node: TypeNode & { readonly kind: 'union' }, given: JsonObject, name: string): void {
  const base = node.base;
  checkMembers(base, given, name, true);
  const tag = given[node.tag];
  const variant = typeof tag === 'string' && Object.hasOwn(node.variants, tag) ? node.variants[tag]?.node : undefined;
  const more = variant?.kind === 'struct' ? variant.members : {};
  checkMembers({ ...base, ...more }, given, name, false);
}

function checkAlternate(node: TypeNode & { readonly kind: 'alternate' }, value: JsonValue, name: string): void {
  const fitting = node.types.find((type) => jsonKinds(type.node).includes(kindOf(value)));
  if (!fitting) throw invalidType(name, node.name);
  checkValue(fitting, value, name);
}

function kindOf(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'bigint' ? 'number' : typeof value;
}

function jsonKinds(node: TypeNode): readonly string[] {
  if (node.kind === 'enum') return ['string'];
  if (node.kind === 'array') return ['array'];
  if (node.kind !== 'builtin') return ['object'];
  if (node.name === 'str') return ['string'];
  if (node.name === 'bool') return ['boolean'];
  return node.name === 'null' ? ['null'] : ['number'];
}

function checkBuiltin(type: BuiltinName, value: JsonValue, name: string): void {
  const range = RANGES[type];
  if (range) {
    checkInteger(range, value, name);
    return;
  }
  if (type === 'str' && typeof value !== 'string') throw invalidType(name, 'string');
  if (type === 'bool' && typeof value !== 'boolean') throw invalidType(name, 'boolean');
  if (type === 'number' && kindOf(value) !== 'number') throw invalidType(name, 'number');
  if (type === 'null' && value !== null) throw invalidType(name, 'null');
}

function checkInteger({ min, max, label }: IntegerRange, value: JsonValue, name: string): void {
  const isInteger = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
  if (!isInteger) {
    throw min < 0n ? invalidType(name, 'integer') : new UserError(`Parameter '${name}' expects uint64`);
  }
  const exact = BigInt(value);
  if (exact < min || exact > max) throw new UserError(`Parameter '${name}' expects ${label}`);
}
