// The schema as `query-qmp-schema` tells it (QEMU's docs/devel/qapi-code-gen, "Client JSON Protocol introspection"): types have
// numbers for names, because clients must not rely on names that could change.
import type { TypeRegistry } from '@boardwalk/core';
import type { SchemaInfo } from './control.ts';
import {
  type AnyType,
  type CommandSpec,
  type EventSpec,
  type Infer,
  type Member,
  membersOf,
  type TypeNode,
} from './dsl.ts';

/** An entry of `query-qmp-schema`. */
export type SchemaEntry = Infer<typeof SchemaInfo>;

const JSON_TYPES = {
  str: 'string',
  bool: 'boolean',
  number: 'number',
  int: 'int',
  any: 'value',
  null: 'null',
} as const;

/** Describes commands and events. @param types those of objects that there are */
export function introspect(
  commands: Readonly<Record<string, CommandSpec>>,
  events: Readonly<Record<string, EventSpec>>,
  types: TypeRegistry,
): readonly SchemaEntry[] {
  const table = new TypeTable();
  const nothing = table.members({});
  const named = [
    ...Object.entries(commands).map(([name, spec]): SchemaEntry => {
      const arguments_ = spec.refine?.(types) ?? spec.union;
      return {
        name,
        'meta-type': 'command',
        'arg-type': arguments_ ? table.name(arguments_) : table.members(membersOf(spec.args ?? {})),
        'ret-type': spec.returns ? table.name(spec.returns) : nothing,
        ...(spec.oob ? { 'allow-oob': true } : {}),
        ...(spec.unstable ? { features: ['unstable'] } : {}),
      };
    }),
    ...Object.entries(events).map(
      ([name, { data }]): SchemaEntry => ({
        name,
        'meta-type': 'event',
        'arg-type': table.members(membersOf(data ?? {})),
      }),
    ),
  ];
  return [...named, ...table.entries];
}

/** Types by their numbers. */
class TypeTable {
  readonly entries: SchemaEntry[] = [];
  readonly #known = new Map<string, string>();
  #count = 0;

  name(type: AnyType): string {
    const { node } = type;
    switch (node.kind) {
      case 'builtin':
        return this.#builtin(node.name);
      case 'array':
        return this.#array(this.name(node.element));
      case 'enum':
        return this.#once(`enum ${node.name} ${node.values.join(' ')}`, (name) => ({
          name,
          'meta-type': 'enum',
          members: node.values.map((value) => ({ name: value })),
          values: [...node.values],
        }));
      case 'alternate':
        return this.#once(`alternate ${node.name}`, (name) => ({
          name,
          'meta-type': 'alternate',
          members: node.types.map((member) => ({ type: this.name(member) })),
        }));
      case 'struct':
        return this.members(node.members, `struct ${node.name}`, node.features);
      case 'union':
        return this.#union(node);
    }
  }

  members(members: Readonly<Record<string, Member>>, key?: string, features: readonly string[] = []): string {
    const described = this.#describe(members);
    return this.#once(key ?? `members ${JSON.stringify(described)}`, (name) => ({
      name,
      'meta-type': 'object',
      members: described,
      ...(features.length > 0 ? { features } : {}),
    }));
  }

  #describe(members: Readonly<Record<string, Member>>) {
    return Object.entries(members).map(([name, { type, optional }]) => ({
      name,
      type: this.name(type),
      // No default is told, only that the member may be left out.
      ...(optional ? { default: null } : {}),
    }));
  }

  #union(node: TypeNode & { readonly kind: 'union' }): string {
    const nothing = this.members({});
    const words = node.base[node.tag]?.type.node;
    const cases = words?.kind === 'enum' ? words.values : Object.keys(node.variants);
    return this.#once(`union ${node.name}`, (name) => ({
      name,
      'meta-type': 'object',
      members: this.#describe(node.base),
      tag: node.tag,
      variants: cases.map((word) => {
        const variant = node.variants[word];
        return { case: word, type: variant ? this.name(variant) : nothing };
      }),
    }));
  }

  #builtin(name: string): string {
    // On the wire all integers are one type.
    const told = name in JSON_TYPES ? (name as keyof typeof JSON_TYPES) : 'int';
    this.#add(told, () => ({ name: told, 'meta-type': 'builtin', 'json-type': JSON_TYPES[told] }));
    return told;
  }

  #array(element: string): string {
    const name = `[${element}]`;
    this.#add(name, () => ({ name, 'meta-type': 'array', 'element-type': element }));
    return name;
  }

  /** A numbered type, described when it is first met. */
  #once(key: string, describe: (name: string) => SchemaEntry): string {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = String(this.#count++);
    this.#known.set(key, name);
    this.entries.push(describe(name));
    return name;
  }

  #add(name: string, describe: () => SchemaEntry): void {
    if (this.#known.has(name)) return;
    this.#known.set(name, name);
    this.entries.push(describe());
  }
}
