import { describe, expect, it } from 'vitest';
import { largestRamPage, Machine, noneBoard, smallestRamPage } from '../machine/index.ts';
import { type MemoryBackend, RamSpace, registerMemoryBackends } from '../memory/index.ts';
import { addUserObject, Container, createObjectTree, deleteUserObject, TypeRegistry, UserError } from './index.ts';

function setUp() {
  const space = RamSpace.create({ bytes: 1 << 24 });
  const types = new TypeRegistry();
  registerMemoryBackends(types, space);
  types.register({ name: 'secret-thing', create: () => new Container() });
  const root = createObjectTree();
  const add = (id: string, properties: Record<string, unknown>, type = 'memory-backend-ram', json = false) =>
    addUserObject(root, types, { type, id, properties, json });
  return { space, types, root, add };
}

describe('objects that a user makes', () => {
  it('come and go, and give back their memory', () => {
    const { root, add, space } = setUp();
    for (let i = 0; i < 3; i++) {
      const backend = add('m0', { size: '8M' });
      expect(backend.path).toBe('/objects/m0');
      expect(space.blocks).toHaveLength(1);
      deleteUserObject(root, 'm0');
      expect([space.blocks.length, root.children.get('objects')?.children.size]).toEqual([0, 0]);
    }
  });

  // The texts are QEMU 7.2's answers to object-add and object-del.
  it('stay while something uses them', async () => {
    const { root, add, space } = setUp();
    add('m0', { size: 1 << 20 }, 'memory-backend-ram', true);
    const machine = await Machine.create(noneBoard('test'), { root, space, memoryBackend: 'm0' });
    expect(() => deleteUserObject(root, 'm0')).toThrow(new UserError("object 'm0' is in use, can not be deleted"));
    expect(machine.addressSpace.store(0, 4, 7)).toBe(0);
    await machine.dispose();
    deleteUserObject(root, 'm0');
    expect(space.blocks).toEqual([]);
  });

  it('are refused, and nothing of them stays', () => {
    const { root, add, space } = setUp();
    add('m1', { size: '1M' });
    expect(() => deleteUserObject(root, 'zz')).toThrow(new UserError("object 'zz' not found"));
    expect(() => add('m1', { size: '1M' })).toThrow("attempt to add duplicate property 'm1' to object");
    expect(() => add('m3', {})).toThrow("Parameter 'size' is missing");
    expect(() => add('m3', { size: '1M' }, 'memory-backend-ram', true)).toThrow("Invalid parameter type for 'size'");
    expect(() => add('3', { size: '1M' })).toThrow("Parameter 'id' expects an identifier");
    expect(() => add('m3', {}, 'frob')).toThrow('invalid object type: frob');
    expect(() => add('m3', {}, 'secret-thing')).toThrow('invalid object type: secret-thing');
    expect(() => add('m3', {}, 'memory-backend')).toThrow("object type 'memory-backend' is abstract");
    expect(space.blocks.map(({ name }) => name)).toEqual(['m1']);
  });
});

describe('the pages behind the RAM in use', () => {
  it('are the smallest and the largest of the backends that something uses', async () => {
    const { root, add, space } = setUp();
    const paged = (id: string, bytes: number): void => {
      const backend = add(id, { size: '2M' });
      Object.defineProperty(backend, 'pageSize', { value: bytes });
      (backend as MemoryBackend).mapped = true;
    };
    expect([smallestRamPage(root), largestRamPage(root)]).toEqual([4096, 4096]);
    Object.defineProperty(add('idle', { size: '1M' }), 'pageSize', { value: 2 ** 30 });
    paged('huge', 2 ** 21);
    expect([smallestRamPage(root), largestRamPage(root)]).toEqual([2 ** 21, 2 ** 21]);
    const machine = await Machine.create(noneBoard('test'), { root, space, ramSize: 1 << 20 });
    expect([smallestRamPage(root), largestRamPage(root)]).toEqual([4096, 2 ** 21]);
    await machine.dispose();
  });
});
