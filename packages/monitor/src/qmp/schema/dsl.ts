// The language in which QMP is described: types as data, from which TypeScript's types follow. Names are those of QEMU's
// docs/devel/qapi-code-gen.

import type { TypeRegistry } from '@boardwalk/core';

/** An integer as it comes: a bigint only where a number would not be exact. */
export type IntegerValue = number | bigint;

/** A type that is built in. */
export type BuiltinName =
  | 'str'
  | 'bool'
  | 'number'
  | 'int'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'size'
  | 'any'
  | 'null';

/** A member of an object. */
export interface Member {
  readonly type: AnyType;
  readonly optional: boolean;
}

/** What a type is. */
export type TypeNode =
  | { readonly kind: 'builtin'; readonly name: BuiltinName }
  | { readonly kind: 'enum'; readonly name: string; readonly values: readonly string[] }
  | {
      readonly kind: 'struct';
      readonly name: string;
      readonly members: Readonly<Record<string, Member>>;
      readonly features: readonly string[];
    }
  | { readonly kind: 'array'; readonly element: AnyType }
  | { readonly kind: 'alternate'; readonly name: string; readonly types: readonly AnyType[] }
  | {
      readonly kind: 'union';
      readonly name: string;
      readonly base: Readonly<Record<string, Member>>;
      readonly tag: string;
      readonly variants: Readonly<Record<string, AnyType>>;
    };

declare const VALUE: unique symbol;

/** A type whose values are `T` in TypeScript. */
export interface Type<T> {
  readonly node: TypeNode;
  readonly [VALUE]?: T;
}

/** Any type. */
export type AnyType = Type<unknown>;

/** A member that may be left out. */
export interface Optional<T> {
  readonly optional: Type<T>;
}

/** Members by name, as they are written. */
export type MemberSpecs = Readonly<Record<string, AnyType | Optional<unknown>>>;

/** The TypeScript type of a type's values. */
export type Infer<S> = S extends Type<infer T> ? T : never;

type Flat<T> = { [K in keyof T]: T[K] } & {};

/** The TypeScript type of an object with such members. */
export type InferMembers<M extends MemberSpecs> = Flat<
  { readonly [K in keyof M as M[K] extends Optional<unknown> ? never : K]: Infer<M[K]> } & {
    readonly [K in keyof M as M[K] extends Optional<unknown> ? K : never]?:
      | (M[K] extends Optional<infer T> ? T : never)
      | undefined;
  }
>;

function builtin<T>(name: BuiltinName): Type<T> {
  return { node: { kind: 'builtin', name } };
}

export const str = builtin<string>('str');
export const bool = builtin<boolean>('bool');
export const number = builtin<number>('number');
export const int = builtin<IntegerValue>('int');
export const uint8 = builtin<number>('uint8');
export const uint16 = builtin<number>('uint16');
export const uint32 = builtin<number>('uint32');
export const uint64 = builtin<IntegerValue>('uint64');
export const size = builtin<IntegerValue>('size');
/** Any JSON value. */
export const any = builtin<unknown>('any');
export const nil = builtin<null>('null');

/** A member that may be left out. */
export function opt<T>(type: Type<T>): Optional<T> {
  return { optional: type };
}

/** One of some words. */
export function enumeration<const V extends readonly string[]>(name: string, values: V): Type<V[number]> {
  return { node: { kind: 'enum', name, values } };
}

/** The members of an object, as data. */
export function membersOf(specs: MemberSpecs): Readonly<Record<string, Member>> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [
      name,
      'optional' in spec ? { type: spec.optional, optional: true } : { type: spec, optional: false },
    ]),
  );
}

/** An object. @param features what clients can tell by its description, and by no member */
export function struct<M extends MemberSpecs>(
  name: string,
  specs: M,
  features: readonly string[] = [],
): Type<InferMembers<M>> {
  return { node: { kind: 'struct', name, members: membersOf(specs), features } };
}

/** A list. */
export function list<T>(element: Type<T>): Type<readonly T[]> {
  return { node: { kind: 'array', element } };
}

/** One of several types that JSON can tell apart. */
export function alternate<T extends readonly AnyType[]>(name: string, ...types: T): Type<Infer<T[number]>> {
  return { node: { kind: 'alternate', name, types } };
}

/** An object whose member `tag` says which further members it has. A word of the tag without a variant adds none. */
export function union<B extends MemberSpecs, T extends keyof B & string, V extends Readonly<Record<string, AnyType>>>(
  name: string,
  base: B,
  tag: T,
  variants: V,
): Type<{ [K in keyof V]: Omit<InferMembers<B>, T> & { readonly [P in T]: K } & Infer<V[K]> }[keyof V]> {
  return { node: { kind: 'union', name, base: membersOf(base), tag, variants } };
}

/** A command as it is declared. */
export interface CommandSpec<A extends MemberSpecs = MemberSpecs, R = unknown> {
  /** One line for the documentation. */
  readonly doc: string;
  /** Members of `arguments`, or a union that the arguments are. */
  readonly args?: A;
  readonly union?: AnyType;
  /** More members than `args` are passed on (`device_add`). */
  readonly open?: boolean;
  /** What the arguments are, where that depends on the types of objects that there are. */
  readonly refine?: (types: TypeRegistry) => AnyType;
  /** Without it the answer is an empty object. */
  readonly returns?: Type<R>;
  /** May be sent as `exec-oob`. */
  readonly oob?: boolean;
  /** It may change: `-compat` can forbid it. */
  readonly unstable?: boolean;
  /** Only where the emulator has this. */
  readonly needs?: 'cpuModelQueries';
  /** May be sent while there is no machine yet (`--preconfig`). */
  readonly preconfig?: boolean;
}

/** Declares a command. */
export function command<A extends MemberSpecs = Record<never, never>, R = void>(
  spec: CommandSpec<A, R>,
): CommandSpec<A, R> {
  return spec;
}

/** Declares a command whose arguments are a union. */
export function unionCommand<U>(
  spec: Omit<CommandSpec<Record<never, never>, void>, 'args' | 'union'> & { readonly union: Type<U> },
): UnionCommand<U> {
  return spec;
}

/** See {@link unionCommand}. */
export interface UnionCommand<U> extends CommandSpec<Record<never, never>, void> {
  readonly union: Type<U>;
}

/** The arguments of a command in TypeScript. */
export type ArgumentsOf<C> =
  C extends UnionCommand<infer U>
    ? U
    : C extends CommandSpec<infer A, unknown>
      ? C extends { readonly open: true }
        ? InferMembers<A> & Readonly<Record<string, unknown>>
        : InferMembers<A>
      : never;

/** The answer of a command in TypeScript. */
export type ReturnOf<C> = C extends CommandSpec<MemberSpecs, infer R> ? R : never;

/** An event as it is declared. */
export interface EventSpec {
  readonly doc: string;
  readonly data?: MemberSpecs;
}
