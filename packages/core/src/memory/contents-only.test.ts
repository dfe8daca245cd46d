import { describe, expect, it } from 'vitest';
import { Container, TypeRegistry } from '../object/index.ts';
import { registerMemoryBackends } from './backend-kinds.ts';
import type { HostMemory } from './host-memory.ts';
import { RamSpace } from './ram-space.ts';

/** A host that must not be asked for anything. */
const host: HostMemory = {
  contentsOnly: 'there is no kernel',
  addressOf: () => 0,
  map: () => {
    throw new Error('asked for a mapping');
  },
};

describe('a host that has contents alone', () => {
  it.each([
    ['prealloc', 'on'],
    ['reserve', 'off'],
    ['merge', 'off'],
    ['dump', 'off'],
  ])('refuses %s=%s with its reason, before it maps anything', (property, value) => {
    const types = new TypeRegistry();
    registerMemoryBackends(types, RamSpace.create({ bytes: 2 ** 24 }), host);
    const props = { size: '1M', 'mem-path': 'f', [property]: value };
    const parent = new Container();
    expect(() => types.create('memory-backend-file', props, { parent, id: 'm' })).toThrow(
      `property '${property}' of memory-backend-file doesn't take value '${value}': there is no kernel`,
    );
    expect(parent.children.size).toBe(0);
  });
});
