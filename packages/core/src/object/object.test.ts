import { expect, test } from 'vitest';
import { BwObject, Container, createObjectTree, type PropertySpec, UserError } from './index.ts';

class Serial extends BwObject {
  static override readonly typeName: string = 'serial';
  static override readonly interfaces: readonly string[] = ['chardev-user'];
  static override readonly properties: readonly PropertySpec[] = [
    { name: 'baudbase', type: 'uint32', description: 'Base of the baud rate', default: 115200 },
    { name: 'wakeup', type: 'bool', description: '', default: false },
    { name: 'chardev', type: 'link<chardev>', description: 'Where characters go' },
    {
      name: 'depth',
      type: 'uint8',
      description: 'Bytes in the FIFO',
      get: (o: BwObject) => (o as Serial).depth,
      set: (o: BwObject, v: unknown) => {
        (o as Serial).depth = Number(v);
      },
      validate: (v: unknown) => (v === 16 || v === 64 ? undefined : `a FIFO of ${v} bytes was never made`),
    },
    { name: 'revision', type: 'str', description: '', get: () => 'A1' },
  ];
  depth = 16;
}

class Serial16750 extends Serial {
  static override readonly typeName: string = 'serial-16750';
  static override readonly properties: readonly PropertySpec[] = [
    { name: 'baudbase', type: 'uint32', description: 'Base of the baud rate', default: 921600 },
    { name: 'sleep', type: 'bool', description: 'Sleep mode', default: true },
  ];
}

class Chardev extends BwObject {
  static override readonly typeName: string = 'chardev';
}

test('the tree gives paths, the root is a slash, children keep their order', () => {
  const root = createObjectTree();
  const machine = root.addChild('machine', new Container());
  const soc = machine.addChild('soc', new Container());
  const uart = soc.addChild('uart0', new Serial());
  soc.addChild('a', new Serial());
  expect(root.path).toBe('/');
  expect(uart.path).toBe('/machine/soc/uart0');
  expect(uart.id).toBe('uart0');
  expect(uart.root).toBe(root);
  expect([...soc.children.keys()]).toEqual(['uart0', 'a']);
  uart.remove();
  expect([...soc.children.keys()]).toEqual(['a']);
  expect(uart.parent).toBeUndefined();
});

test('[*] takes the first free number', () => {
  const parent = new Container();
  parent.addChild('device[*]', new Serial());
  const second = parent.addChild('device[*]', new Serial());
  expect(second.id).toBe('device[1]');
});

test('a name can be used once, an object placed once, and never below itself', () => {
  const parent = new Container();
  const child = parent.addChild('m', new Container());
  expect(() => parent.addChild('m', new Serial())).toThrow(
    new UserError("attempt to add duplicate property 'm' to object (type 'container')"),
  );
  expect(() => parent.addChild('n', child)).toThrow(/in the tree already/);
  expect(() => child.addChild('n', parent)).toThrow(/below itself/);
  expect(() => parent.addChild('a/b', new Serial())).toThrow(/no name/);
});

test('properties are inherited, and a class may declare one anew', () => {
  const uart = new Serial16750();
  expect(uart.properties().map((p) => p.name)).toEqual(['baudbase', 'wakeup', 'chardev', 'depth', 'revision', 'sleep']);
  expect(uart.getProperty('baudbase')).toBe(921600);
  expect(new Serial().getProperty('baudbase')).toBe(115200);
  expect(uart.isA('serial')).toBe(true);
  expect(uart.isA('chardev-user')).toBe(true);
  expect(uart.isA('object')).toBe(true);
  expect(new Serial().isA('serial-16750')).toBe(false);
});

test('strings are read by type, other values must have it', () => {
  const uart = new Serial();
  uart.setProperty('baudbase', '0x10');
  uart.setProperty('wakeup', 'on');
  uart.setProperty('depth', '64');
  expect([uart.getProperty('baudbase'), uart.getProperty('wakeup'), uart.depth]).toEqual([16, true, 64]);
  uart.setProperty('wakeup', false);
  expect(uart.getProperty('wakeup')).toBe(false);
});

// The texts are what QEMU 7.2 answers in the same cases.
test.each<[string, unknown, boolean, string]>([
  ['zz', 1, false, "Property 'serial.zz' not found"],
  ['type', 'x', false, "Property 'serial.type' is not writable"],
  ['revision', 'B', false, "Property 'serial.revision' is not writable"],
  ['wakeup', 5, false, "Invalid parameter type for 'wakeup', expected: boolean"],
  ['wakeup', 'on', true, "Invalid parameter type for 'wakeup', expected: boolean"],
  ['wakeup', 'maybe', false, "Parameter 'wakeup' expects 'on' or 'off'"],
  ['baudbase', 'zz', false, "Parameter 'baudbase' expects integer"],
  ['baudbase', 5.5, false, "Invalid parameter type for 'baudbase', expected: integer"],
  ['baudbase', '4294967296', false, "Parameter 'baudbase' expects uint32_t"],
  ['depth', '17', false, 'a FIFO of 17 bytes was never made'],
  ['chardev', 5, false, "Invalid parameter type for 'chardev', expected: string"],
])('setting %s to %s (as JSON: %s) says: %s', (name, value, json, message) => {
  const uart = createObjectTree().addChild('uart', new Serial());
  expect(() => uart.setProperty(name, value, { json })).toThrow(new UserError(message));
});

test('a link takes an object, a path or an id, and only of its type', () => {
  const root = createObjectTree();
  const uart = root.addChild('uart', new Serial());
  const console0 = root.addChild('console0', new Chardev());
  uart.setProperty('chardev', 'console0');
  expect(uart.getProperty('chardev')).toBe(console0);
  uart.setProperty('chardev', '');
  expect(uart.getProperty('chardev')).toBeUndefined();
  uart.setProperty('chardev', '/console0');
  uart.setProperty('chardev', console0);
  expect(uart.getProperty('chardev')).toBe(console0);
  const wrong = new UserError("Invalid parameter type for 'chardev', expected: chardev");
  expect(() => uart.setProperty('chardev', '/uart')).toThrow(wrong);
  expect(() => uart.setProperty('chardev', uart)).toThrow(wrong);
  expect(() => uart.setProperty('chardev', 'zz')).toThrow(new UserError("Device 'zz' not found", 'DeviceNotFound'));
  const other = root.addChild('more', new Container());
  other.addChild('console0', new Chardev());
  expect(() => uart.setProperty('chardev', 'console0')).toThrow(
    new UserError("Path 'console0' does not uniquely identify an object"),
  );
});

test('an object may have properties of its own, and stand for those of another', () => {
  const soc = new Container();
  const uart = soc.addChild('uart', new Serial());
  soc.addProperty({ name: 'zbb', type: 'bool', description: 'An extension', default: true });
  soc.addAlias('speed', uart, 'baudbase');
  soc.setProperty('speed', '9600');
  expect(uart.getProperty('baudbase')).toBe(9600);
  expect(soc.getProperty('speed')).toBe(9600);
  expect(soc.getProperty('zbb')).toBe(true);
  expect(() => soc.addProperty({ name: 'uart', type: 'bool', description: '' })).toThrow(/duplicate/);
});

test('a class can refuse changes', () => {
  class Realized extends Serial {
    protected override refuseChange(): string {
      return 'too late';
    }
  }
  expect(() => new Realized().setProperty('wakeup', true)).toThrow(new UserError('too late'));
});
