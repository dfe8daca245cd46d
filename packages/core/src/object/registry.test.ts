import { expect, test } from 'vitest';
import {
  BwObject,
  Container,
  createObjectTree,
  getAt,
  listAt,
  listTypeProperties,
  listTypes,
  type PropertySpec,
  requireObject,
  resolvePath,
  setAt,
  TypeRegistry,
  typeOfClass,
  UserError,
} from './index.ts';

abstract class Backend extends BwObject {
  static override readonly typeName: string = 'rng-backend';
  static override readonly interfaces: readonly string[] = ['user-creatable'];
  static override readonly properties: readonly PropertySpec[] = [
    { name: 'opened', type: 'bool', description: 'Whether it runs', default: false },
  ];
  disposed = false;
  override dispose(): void {
    this.disposed = true;
  }
}

class File extends Backend {
  static override readonly typeName: string = 'rng-random';
  static override readonly properties: readonly PropertySpec[] = [
    { name: 'filename', type: 'str', description: 'Source of entropy', required: true },
    { name: 'next', type: 'link<rng-backend>', description: 'Another source' },
  ];
  override complete(): void {
    if (this.getProperty('filename') === '/nowhere') throw new UserError('Could not open /nowhere');
  }
}

function registry(): { types: TypeRegistry; made: File[] } {
  const types = new TypeRegistry();
  const made: File[] = [];
  types.register(typeOfClass(Backend, { abstract: true, description: 'Entropy' }));
  types.register(
    typeOfClass(File, {
      create: () => {
        const o = new File();
        made.push(o);
        return o;
      },
    }),
  );
  return { types, made };
}

test('create makes an object, sets its properties and places it', () => {
  const { types } = registry();
  const root = createObjectTree();
  const objects = requireObject(root, '/objects');
  types.create('rng-random', { filename: 'a' }, { parent: objects, id: 'r0', scope: root });
  const second = types.create('rng-random', { filename: 'b', next: 'r0' }, { parent: objects, id: 'r1', scope: root });
  expect(second.path).toBe('/objects/r1');
  expect(getAt(root, '/objects/r1', 'next')).toBe('/objects/r0');
  expect(getAt(root, 'r0', 'next')).toBe('');
});

test.each<[string, Record<string, unknown>, string]>([
  ['zz', {}, 'invalid object type: zz'],
  ['rng-backend', {}, "object type 'rng-backend' is abstract"],
  ['rng-random', {}, "Parameter 'filename' is missing"],
  ['rng-random', { filename: 'a', zz: 1 }, "Property 'rng-random.zz' not found"],
  ['rng-random', { filename: '/nowhere' }, 'Could not open /nowhere'],
])('creating %s with %o says: %s', (type, props, message) => {
  const { types, made } = registry();
  const objects = new Container();
  expect(() => types.create(type, props, { parent: objects, id: 'r' })).toThrow(new UserError(message));
  expect(objects.children.size).toBe(0);
  expect(made.every((o) => o.disposed)).toBe(true);
});

test('a taken id is an error and leaves nothing behind', () => {
  const { types, made } = registry();
  const objects = new Container();
  types.create('rng-random', { filename: 'a' }, { parent: objects, id: 'r' });
  expect(() => types.create('rng-random', { filename: 'a' }, { parent: objects, id: 'r' })).toThrow(
    new UserError("attempt to add duplicate property 'r' to object (type 'container')"),
  );
  expect(made.map((o) => o.disposed)).toEqual([false, true]);
});

test('types are listed by what they implement', () => {
  const { types } = registry();
  expect(listTypes(types, { implements: 'rng-backend' })).toEqual([{ name: 'rng-random', parent: 'rng-backend' }]);
  expect(listTypes(types, { implements: 'user-creatable', abstract: true })).toEqual([
    { name: 'rng-backend', parent: 'object', abstract: true },
    { name: 'rng-random', parent: 'rng-backend' },
  ]);
  expect(() => types.register(typeOfClass(File))).toThrow(/registered already/);
});

test('the properties of a type are listed with descriptions and defaults', () => {
  const { types } = registry();
  expect(listTypeProperties(types, 'rng-random')).toEqual([
    { name: 'type', type: 'string' },
    { name: 'opened', type: 'bool', description: 'Whether it runs', 'default-value': false },
    { name: 'filename', type: 'str', description: 'Source of entropy' },
    { name: 'next', type: 'link<rng-backend>', description: 'Another source' },
  ]);
  expect(() => listTypeProperties(types, 'zz')).toThrow(new UserError("Class 'zz' not found", 'DeviceNotFound'));
});

test('a monitor lists, gets and sets by path', () => {
  const root = createObjectTree();
  requireObject(root, '/objects').addChild('r', new File());
  expect(listAt(root, '/')).toEqual([
    { name: 'type', type: 'string' },
    { name: 'objects', type: 'child<container>' },
    { name: 'chardevs', type: 'child<container>' },
  ]);
  setAt(root, 'r', 'filename', 'x');
  expect(getAt(root, '/objects/r', 'filename')).toBe('x');
  expect(getAt(root, '/', 'objects')).toBe('/objects');
  expect(getAt(root, '/objects/r', 'type')).toBe('rng-random');
  expect(() => setAt(root, 'r', 'opened', 'on')).toThrow(
    new UserError("Invalid parameter type for 'opened', expected: boolean"),
  );
  expect(() => getAt(root, '/nope', 'x')).toThrow(
    expect.objectContaining({ message: "Device '/nope' not found", errorClass: 'DeviceNotFound' }),
  );
});

test('partial paths fit anywhere, if in one place only', () => {
  const root = createObjectTree();
  const machine = root.addChild('machine', new Container());
  const unattached = machine.addChild('unattached', new Container());
  const swi = unattached.addChild('device[0]', new File());
  expect(resolvePath(root, 'device[0]').object).toBe(swi);
  expect(resolvePath(root, 'unattached/device[0]').object).toBe(swi);
  expect(resolvePath(root, '/unattached/device[0]').object).toBeUndefined();
  expect(resolvePath(root, '', 'rng-random').object).toBe(swi);
  machine.addChild('device[0]', new Container());
  expect(resolvePath(root, 'device[0]')).toEqual({ object: undefined, ambiguous: true });
  expect(resolvePath(root, 'device[0]', 'rng-random').object).toBe(swi);
  expect(() => requireObject(root, 'device[0]')).toThrow(new UserError("Path 'device[0]' is ambiguous"));
});

test('a path follows links', () => {
  const root = createObjectTree();
  const a = root.addChild('a', new File());
  const b = root.addChild('b', new File());
  a.setProperty('next', b);
  expect(resolvePath(root, '/a/next').object).toBe(b);
  expect(resolvePath(root, '/b/next').object).toBeUndefined();
});
