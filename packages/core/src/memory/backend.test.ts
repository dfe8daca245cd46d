import { expect, test } from 'vitest';
import {
  Container,
  createObjectTree,
  getAt,
  listAt,
  listTypeProperties,
  listTypes,
  requireObject,
  TypeRegistry,
  UserError,
} from '../object/index.ts';
import { createRamBackend, type MemoryBackend, RamSpace, registerMemoryBackends } from './index.ts';

const MIB = 2 ** 20;

function setUp() {
  const space = RamSpace.create({ bytes: 16 * MIB });
  const types = new TypeRegistry();
  registerMemoryBackends(types, space);
  const root = createObjectTree();
  const objects = requireObject(root, '/objects');
  const add = (id: string, props: Record<string, unknown>, json = false): MemoryBackend =>
    types.create('memory-backend-ram', props, { parent: objects, id, json }) as MemoryBackend;
  return { space, types, root, objects, add };
}

test('a backend made by a machine has its RAM at once', () => {
  const space = RamSpace.create({ bytes: 16 * MIB });
  const objects = new Container();
  const backend = createRamBackend(space, { id: 'riscv_virt_board.ram', size: MIB, parent: objects });
  expect(backend.region).toMatchObject({ name: 'riscv_virt_board.ram', kind: 'ram', size: MIB });
  expect(space.blocks).toEqual([backend.region.block]);
  expect(backend.region.path).toBe('/riscv_virt_board.ram/riscv_virt_board.ram[0]');
  expect(backend.mapped).toBe(false);
});

test('a backend made by name takes its size as text, and the name of its RAM from its id', () => {
  const { root, add } = setUp();
  const backend = add('m', { size: '4M' });
  expect(backend.size).toBe(4 * MIB);
  expect(backend.region.block).toMatchObject({ name: 'm', size: 4 * MIB });
  expect(getAt(root, '/objects/m', 'size')).toBe(4 * MIB);
  expect(listAt(root, '/objects/m')).toEqual([
    { name: 'type', type: 'string' },
    { name: 'dump', type: 'bool' },
    { name: 'host-nodes', type: 'int' },
    { name: 'merge', type: 'bool' },
    { name: 'policy', type: 'HostMemPolicy' },
    { name: 'prealloc', type: 'bool' },
    { name: 'prealloc-threads', type: 'int' },
    { name: 'reserve', type: 'bool' },
    { name: 'share', type: 'bool' },
    { name: 'size', type: 'int' },
    { name: 'x-host-pages', type: 'str' },
    { name: 'x-host-policy', type: 'str' },
    { name: 'm[0]', type: 'child<memory-region>' },
  ]);
});

// The texts are QEMU 7.2's.
test.each<[Record<string, unknown>, string]>([
  [{}, "Parameter 'size' is missing"],
  [{ size: '0' }, "property 'size' of memory-backend-ram doesn't take value '0'"],
  [{ size: 'zz' }, "Parameter 'size' expects a size value"],
  [{ size: '-1' }, "Parameter 'size' expects a size value"],
  [{ size: '64M' }, "cannot set up guest memory 'm': Cannot allocate memory"],
  [{ size: '1M', zz: '1' }, "Property 'memory-backend-ram.zz' not found"],
])('making one with %o says: %s', (props, message) => {
  const { space, objects, add } = setUp();
  expect(() => add('m', props)).toThrow(new UserError(message));
  expect(objects.children.size).toBe(0);
  expect(space.blocks).toEqual([]);
});

test('the size stays once the RAM is there', () => {
  const { add } = setUp();
  const backend = add('m', { size: MIB }, true);
  expect(() => backend.setProperty('size', '2M')).toThrow(
    new UserError('cannot change property size of memory-backend-ram'),
  );
});

test('a taken id leaves no RAM behind', () => {
  const { space, add } = setUp();
  add('m', { size: MIB });
  expect(() => add('m', { size: MIB })).toThrow(
    new UserError("attempt to add duplicate property 'm' to object (type 'container')"),
  );
  expect(space.blocks).toHaveLength(1);
});

test('dispose gives the RAM back', () => {
  const { space, add } = setUp();
  const backend = add('m', { size: 8 * MIB });
  const offset = backend.region.block?.offset;
  backend.remove();
  backend.dispose();
  expect(space.blocks).toEqual([]);
  expect(() => backend.region).toThrow(/no memory/);
  expect(add('n', { size: 8 * MIB }).region.block?.offset).toBe(offset);
});

test('the types are listed', () => {
  const { types } = setUp();
  expect(listTypes(types, { implements: 'memory-backend' })).toEqual([
    { name: 'memory-backend-ram', parent: 'memory-backend' },
    { name: 'memory-backend-file', parent: 'memory-backend' },
    { name: 'memory-backend-memfd', parent: 'memory-backend' },
    { name: 'memory-backend-shm', parent: 'memory-backend' },
  ]);
  expect(listTypeProperties(types, 'memory-backend-ram')).toContainEqual({
    name: 'size',
    type: 'int',
    description: 'Size of the memory region (ex: 500M)',
  });
});
