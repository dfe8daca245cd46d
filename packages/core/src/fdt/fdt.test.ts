import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../object/user-error.ts';
import { FdtBuilder, type FdtNode, parseFdt, readFdt } from './index.ts';

function sample(): FdtBuilder {
  const fdt = new FdtBuilder();
  fdt.root.prop('#address-cells', [2]).prop('#size-cells', [2]).prop('compatible', ['riscv-virtio', 'simple-bus']);
  const plic = fdt
    .node('/soc/plic@c000000')
    .prop('interrupt-controller', true)
    .prop('reg', [0, 0xc000000, 0, 0x600000]);
  const uart = fdt.node('/soc/serial@10000000').prop('compatible', 'ns16550a').prop('interrupts', [10]);
  uart.prop('interrupt-parent', [plic.phandle()]);
  fdt.node('/chosen').prop('linux,initrd-start', [0x8_8420_0000n]).prop('bootargs', 'console=ttyS0');
  fdt.node('/empty').prop('blob', Uint8Array.of(1, 2, 3));
  return fdt.reserve(0x8000_0000n, 0x8_0000n);
}

function dump(node: FdtNode): unknown {
  return {
    name: node.name,
    properties: [...node.properties].map(([name, value]) => [name, ...value]),
    children: [...node.children.values()].map(dump),
  };
}

describe('FdtBuilder', () => {
  it('writes the header of section 5.2', () => {
    const view = new DataView(new FdtBuilder().build().buffer);
    const words = Array.from({ length: 10 }, (_, i) => view.getUint32(i * 4));
    // An empty tree: BEGIN_NODE, an empty name, END_NODE, END.
    expect(words).toEqual([0xd00dfeed, 72, 56, 72, 40, 17, 16, 0, 0, 16]);
    expect([56, 60, 64, 68].map((at) => view.getUint32(at))).toEqual([1, 0, 2, 9]);
  });

  it('stores every property name once', () => {
    const fdt = new FdtBuilder();
    for (let i = 0; i < 8; i++) fdt.node(`/cpus/cpu@${i}`).prop('device_type', 'cpu');
    const text = new TextDecoder('latin1').decode(fdt.build());
    expect(text.split('device_type').length - 1).toBe(1);
  });

  it('pads with zeros on request, and says so in the header', () => {
    const blob = sample().build(0x1_0000);
    expect(blob.length).toBe(0x1_0000);
    expect(new DataView(blob.buffer).getUint32(4)).toBe(0x1_0000);
    expect(dump(parseFdt(blob))).toEqual(dump(sample().root));
  });

  it('gives each node a phandle of its own, and the same one at each call', () => {
    const fdt = new FdtBuilder();
    fdt.node('/a').prop('phandle', [7]);
    expect(fdt.node('/b').phandle()).toBe(8);
    expect(fdt.node('/c').phandle()).toBe(9);
    expect(fdt.node('/b').phandle()).toBe(8);
    expect(fdt.node('/a').phandle()).toBe(7);
  });

  it('refuses what the format cannot hold', () => {
    const node = new FdtBuilder().root;
    expect(() => node.prop('reg', [0x1_0000_0000])).toThrow(RangeError);
    expect(() => node.prop('reg', [1.5])).toThrow(RangeError);
    expect(() => node.prop('reg', [1n << 64n])).toThrow(RangeError);
    expect(() => node.prop('text', 'a\0b')).toThrow(RangeError);
    expect(() => node.prop('two words', true)).toThrow(RangeError);
    expect(() => node.child('a/b')).toThrow(RangeError);
    expect(() => node.child('')).toThrow(RangeError);
  });
});

describe('parseFdt', () => {
  it('reads back what was built, byte for byte', () => {
    const blob = sample().build();
    const read = readFdt(blob);
    expect(dump(read.root)).toEqual(dump(sample().root));
    expect(read.reservations).toEqual([{ address: 0x8000_0000n, size: 0x8_0000n }]);
    expect(read.build()).toEqual(blob);
  });

  it('decodes strings, cells and 64-bit values', () => {
    const root = parseFdt(sample().build());
    expect(root.strings('compatible')).toEqual(['riscv-virtio', 'simple-bus']);
    expect(root.isCompatible('simple-bus')).toBe(true);
    expect(root.find('/soc/plic@c000000')?.cells('reg')).toEqual([0, 0xc000000, 0, 0x600000]);
    expect(root.find('/chosen')?.cells64('linux,initrd-start')).toEqual([0x8_8420_0000n]);
    expect(root.find('/empty')?.cells('blob')).toBeUndefined();
    expect(root.find('/soc/serial')?.path).toBe('/soc/serial@10000000');
    expect(root.find('/soc/nothing')).toBeUndefined();
  });

  it('reads a blob that lies inside a larger buffer', () => {
    const blob = sample().build();
    const larger = new Uint8Array(blob.length + 11);
    larger.set(blob, 5);
    expect(dump(parseFdt(larger.subarray(5)))).toEqual(dump(sample().root));
  });

  it('survives any tree of ours', () => {
    const path = fc.array(fc.stringMatching(/^[a-z][a-z0-9,._-]{0,6}(@[0-9a-f]{1,8})?$/), { maxLength: 5 });
    const property = fc.tuple(fc.stringMatching(/^[a-z#][a-z0-9,._-]{0,12}$/), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(path, fc.array(property, { maxLength: 4 })), { maxLength: 12 }), (nodes) => {
        const fdt = new FdtBuilder();
        for (const [names, properties] of nodes) {
          const node = fdt.node(names.join('/'));
          for (const [name, value] of properties) node.prop(name, value);
        }
        expect(dump(parseFdt(fdt.build()))).toEqual(dump(fdt.root));
      }),
      { numRuns: 100 },
    );
  });

  it('refuses bytes that are no device tree', () => {
    expect(() => parseFdt(new Uint8Array(0))).toThrow('the device tree is empty');
    expect(() => parseFdt(new Uint8Array(64))).toThrow('not a device tree blob');
  });

  it('refuses a truncated blob wherever it ends', () => {
    const blob = sample().build();
    for (let length = 4; length < blob.length; length++) {
      expect(() => parseFdt(blob.subarray(0, length))).toThrow('truncated');
    }
  });

  it('answers a damaged blob with a tree or a UserError, nothing else', () => {
    const blob = sample().build();
    fc.assert(
      fc.property(fc.nat(blob.length - 1), fc.nat(255), (at, value) => {
        const damaged = blob.slice();
        damaged[at] = value;
        try {
          parseFdt(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses nesting that would exhaust the stack', () => {
    const fdt = new FdtBuilder();
    fdt.node('/a'.repeat(200));
    expect(() => parseFdt(fdt.build())).toThrow('nested too deeply');
  });
});
