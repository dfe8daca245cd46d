import { describe, expect, it } from 'vitest';
import { OrGate, Splitter } from '../irq/gates.ts';
import { IrqInput, IrqOutput } from '../irq/irq-line.ts';
import { Machine, noneBoard } from '../machine/index.ts';
import { MemoryRegion, RamSpace } from '../memory/index.ts';
import { Device } from './device.ts';
import type { StateField } from './state.ts';
import { restoreTree, saveTree } from './tree.ts';

const space = RamSpace.create({ bytes: 1 << 20 });

class Base extends Device {
  static override readonly typeName: string = 'test-base';
  static override readonly state: readonly StateField[] = [{ name: 'count', type: 'u32', reset: 7 }];
  count = 0;
}

class Chip extends Base {
  static override readonly typeName: string = 'test-chip';
  static override readonly state: readonly StateField[] = [
    { name: 'compare', type: 'u64', reset: 0xffff_ffff_ffff_ffffn },
    { name: 'on', type: 'bool', reset: false },
    { name: 'regs', type: 'u32', reset: 1, count: 3 },
    { name: 'fifo', type: 'bytes' },
    { name: 'kept', type: 'i32' },
  ];
  compare = 0n;
  on = true;
  readonly regs = new Uint32Array(3);
  fifo = new Uint8Array(2);
  kept = -5;
  restored = 0;
  readonly irq = this.addOutput();
  readonly region = this.addRegion(MemoryRegion.io('test-chip', 0x10, { read: () => 0, write: () => {} }));
  readonly seen: [boolean, number][] = [];

  constructor() {
    super();
    this.addInputs(4, (level, index) => this.seen.push([level, index]));
  }

  protected override afterRestore(): void {
    this.restored++;
  }
}

async function machineWith<T extends Device>(device: T, name: string): Promise<Machine> {
  return Machine.create({ ...noneBoard('test'), build: (machine) => void machine.add(device, name) }, { space });
}

describe('declared state', () => {
  it('is reset with that of the base class; a field without a reset value is kept', async () => {
    const chip = new Chip();
    chip.irq.raise();
    await machineWith(chip, 'chip');
    expect(chip).toMatchObject({ count: 7, compare: 0xffff_ffff_ffff_ffffn, on: false, kept: -5 });
    expect([...chip.regs]).toEqual([1, 1, 1]);
    expect(chip.irq.level).toBe(false);
    expect(chip.describeState()).toContain('compare=0xffffffffffffffff');
    expect(chip.describeState()).toContain('regs=[0x1 0x1 0x1]');
  });

  it('is saved by value and restored', async () => {
    const chip = new Chip();
    const machine = await machineWith(chip, 'chip');
    chip.regs[1] = 99;
    chip.fifo[0] = 4;
    chip.compare = 5n;
    chip.input(2).set(true);
    chip.irq.raise();
    const saved = structuredClone(saveTree(machine));
    chip.regs[1] = 1;
    chip.fifo = new Uint8Array(9);
    chip.input(2).set(false);
    machine.reset();
    restoreTree(machine, saved);
    expect(chip).toMatchObject({ compare: 5n, count: 7, restored: 1 });
    expect([...chip.regs]).toEqual([1, 99, 1]);
    expect([...chip.fifo]).toEqual([4, 0]);
    expect([chip.irq.level, chip.input(2).level, chip.input(1).level]).toEqual([true, true, false]);
  });

  it('refuses what was saved from something else, and changes nothing then', async () => {
    const chip = new Chip();
    const machine = await machineWith(chip, 'chip');
    const saved = chip.save();
    expect(() => chip.restore({ ...saved, type: 'other' })).toThrow(/is that of 'other'/);
    expect(() => chip.restore({ ...saved, version: 2 })).toThrow(/newer version/);
    expect(() => chip.restore({ ...saved, fields: { count: 1, compare: 2 } })).toThrow('saved Chip.compare');
    expect(chip.count).toBe(7);
    expect(() => restoreTree(machine, {})).toThrow('no state of /machine/chip');
    expect(() => restoreTree(machine, { ...saveTree(machine), '/machine/x': saved })).toThrow('state of /machine/x');
  });

  it('must exist on the device', async () => {
    class Wrong extends Device {
      static override readonly state: readonly StateField[] = [{ name: 'nowhere', type: 'u8', reset: 0 }];
    }
    await expect(machineWith(new Wrong(), 'x')).rejects.toThrow('Wrong.nowhere: state of type u8 is no number');
  });
});

describe('the device tree', () => {
  it('realizes parts and resets in three phases, parts first', async () => {
    const order: string[] = [];
    class Part extends Device {
      readonly label: string;
      readonly parts: readonly Part[];
      constructor(label: string, parts: readonly Part[] = []) {
        super();
        this.label = label;
        this.parts = parts;
      }
      override realize(): void {
        order.push(`realize ${this.label}`);
        for (const part of this.parts) this.add(part, part.label);
      }
      override resetEnter(): void {
        order.push(`enter ${this.label}`);
      }
      override resetHold(): void {
        order.push(`hold ${this.label}`);
      }
      override resetExit(): void {
        order.push(`exit ${this.label}`);
      }
    }
    const soc = new Part('soc', [new Part('a'), new Part('b')]);
    soc.addChild('early', new Part('early'));
    const machine = await machineWith(soc, 'soc');
    expect(soc.parts[1]?.path).toBe('/machine/soc/b');
    expect(order.slice(0, 4)).toEqual(['realize soc', 'realize a', 'realize b', 'realize early']);
    expect(order.slice(4)).toEqual(
      ['enter', 'hold', 'exit'].flatMap((phase) => ['early', 'a', 'b', 'soc'].map((label) => `${phase} ${label}`)),
    );
    order.length = 0;
    machine.onReset(() => order.push('firmware'));
    machine.reset();
    expect(order.indexOf('firmware')).toBe(8);
  });

  it('fixes properties when it is realized', async () => {
    const speed = { name: 'speed', type: 'uint32', description: 'baud', default: 9600 } as const;
    class Port extends Device {
      static override readonly typeName: string = 'port';
      static override readonly properties = [speed];
    }
    const port = new Port();
    port.setProperty('speed', '115200');
    await machineWith(port, 'p');
    expect(port.getProperty('speed')).toBe(115200);
    expect(() => port.setProperty('speed', 1)).toThrow(
      "Attempt to set property 'speed' on device 'p' (type 'port') after it was realized",
    );
  });

  it('has regions as children, and no machine before it is added', () => {
    const chip = new Chip();
    expect(chip.regions).toEqual([chip.region]);
    expect(chip.children.get('test-chip[0]')).toBe(chip.region);
    expect(() => chip.machine).toThrow(/not part of a machine/);
  });
});

describe('interrupt lines', () => {
  it('tell changes only, with the index', () => {
    const chip = new Chip();
    const line = new IrqOutput();
    line.raise();
    line.connect(chip.input(3));
    line.raise();
    line.lower();
    line.pulse();
    expect(chip.seen).toEqual([
      [true, 3],
      [false, 3],
      [true, 3],
      [false, 3],
    ]);
    expect(() => chip.input(4)).toThrow(RangeError);
  });

  it('are wired once', () => {
    const chip = new Chip();
    const [a, b] = [new IrqOutput(), new IrqOutput()];
    a.connect(chip.input(0));
    expect(() => b.connect(chip.input(0))).toThrow(/OrGate/);
    expect(() => a.connect(chip.input(1))).toThrow(/Splitter/);
  });

  it('are joined by an OrGate and divided by a Splitter', () => {
    const gate = new OrGate(2);
    const splitter = new Splitter(2);
    const levels = [false, false];
    gate.irq.connect(splitter.input());
    splitter.outputs.forEach((output, i) => {
      output.connect(new IrqInput(gate, 'probe', i, (level) => (levels[i] = level)));
    });
    gate.input(0).set(true);
    gate.input(1).set(true);
    gate.input(0).set(false);
    expect(levels).toEqual([true, true]);
    gate.input(1).set(false);
    expect(levels).toEqual([false, false]);
  });
});
