import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FlatView, MemoryRegion, RamSpace, type RegionOps, WHOLE_SPACE } from './index.ts';

const ops: RegionOps = { read: () => 0, write: () => 0 };
const space = RamSpace.create({ bytes: 4 << 20 });

function io(name: string, size: number): MemoryRegion {
  return MemoryRegion.io(name, size, ops);
}

function ram(name: string, size: number): MemoryRegion {
  return MemoryRegion.ram(name, space.allocateRam(name, size));
}

/** `base-last name@offset` of every range. */
function shape(root: MemoryRegion): string[] {
  return FlatView.of(root).ranges.map(
    (r) => `${r.base.toString(16)}-${(r.end - 1).toString(16)} ${r.region.name}@${r.offset.toString(16)}`,
  );
}

describe('flattening', () => {
  test('a higher priority covers, and of equal ones the last added', () => {
    const root = MemoryRegion.container('root', 0x1000);
    root.addSubregion(0, io('low', 0x1000), -1);
    root.addSubregion(0x100, io('first', 0x200));
    root.addSubregion(0x200, io('second', 0x200));
    expect(shape(root)).toEqual(['0-ff low@0', '100-1ff first@0', '200-3ff second@0', '400-fff low@400']);
  });

  test('priority counts among the parts of one container only', () => {
    const root = MemoryRegion.container('root', 0x1000);
    const bus = MemoryRegion.container('bus', 0x1000);
    bus.addSubregion(0, io('urgent', 0x100), 1000);
    root.addSubregion(0, bus);
    root.addSubregion(0, io('chip', 0x80), 1);
    expect(shape(root)).toEqual(['0-7f chip@0', '80-ff urgent@80']);
  });

  test('parts reach no further than their container', () => {
    const root = MemoryRegion.container('root', WHOLE_SPACE);
    const bus = MemoryRegion.container('bus', 0x100);
    bus.addSubregion(0x80, io('wide', 0x1000));
    root.addSubregion(0x4000, bus);
    expect(shape(root)).toEqual(['4080-40ff wide@0']);
  });

  test('a device answers where none of its parts do', () => {
    const root = io('device', 0x100);
    root.addSubregion(0x40, io('part', 0x10));
    expect(shape(root)).toEqual(['0-3f device@0', '40-4f part@0', '50-ff device@50']);
  });

  test('an alias shows a part of its target, wherever that lies itself', () => {
    const root = MemoryRegion.container('root', WHOLE_SPACE);
    const target = MemoryRegion.container('target', 0x1000);
    target.addSubregion(0x100, io('chip', 0x100));
    root.addSubregion(0x8000, MemoryRegion.alias('window', target, 0x180, 0x400));
    root.addSubregion(0x1_0000, target);
    expect(shape(root)).toEqual(['8000-807f chip@80', '10100-101ff chip@0']);
  });

  test('aliases of aliases, and pieces that fit together become one range', () => {
    const root = MemoryRegion.container('root', WHOLE_SPACE);
    const memory = ram('ram', 0x3000);
    const high = MemoryRegion.alias('high', memory, 0x1000, 0x2000);
    root.addSubregion(0x8000_1000, MemoryRegion.alias('higher', high, 0, 0x2000));
    root.addSubregion(0x8000_0000, MemoryRegion.alias('low', memory, 0, 0x1000));
    expect(shape(root)).toEqual(['80000000-80002fff ram@0']);
  });

  test('a bus that mirrors itself', () => {
    const bus = MemoryRegion.container('bus', 0x400);
    bus.addSubregion(0, io('chip', 0x100));
    bus.addSubregion(0x100, MemoryRegion.alias('mirror', bus, 0, 0x100));
    expect(shape(bus)).toEqual(['0-ff chip@0', '100-1ff chip@0']);
  });

  test('a map that shows itself without end is a fault of the board, not a hang', () => {
    const root = MemoryRegion.container('root', WHOLE_SPACE);
    root.addSubregion(1, MemoryRegion.alias('again', root, 0, WHOLE_SPACE));
    expect(() => FlatView.of(root)).toThrow(/shows itself without end/);
  });

  test('regions that are switched off are not there, nor is what an alias shows of them', () => {
    const root = MemoryRegion.container('root', 0x1000);
    const chip = io('chip', 0x100);
    root.addSubregion(0, MemoryRegion.alias('window', chip, 0, 0x100));
    chip.setEnabled(false);
    expect(shape(root)).toEqual([]);
  });

  test('a region of 2^64 bytes reaches the top, and 2^52 is the end of what is found', () => {
    const root = io('everything', WHOLE_SPACE);
    root.addSubregion(0x1000, io('chip', 0x1000));
    const view = FlatView.of(root);
    expect(view.ranges.at(-1)).toMatchObject({ base: 0x2000, end: WHOLE_SPACE });
    expect(view.find(2 ** 52 - 1)?.region).toBe(root);
    expect(view.find(2 ** 52)).toBeUndefined();
    expect(view.find(2 ** 63)).toBeUndefined();
    expect(view.find(-1)).toBeUndefined();
  });

  test('read-only is inherited, and RAM and ROM have host offsets', () => {
    const root = MemoryRegion.container('root', 0x1_0000);
    const memory = ram('ram', 0x1000);
    const flash = MemoryRegion.romDevice('flash', space.allocateRam('flash', 0x1000), ops);
    const shadow = MemoryRegion.alias('shadow', memory, 0x800, 0x100);
    shadow.setReadonly(true);
    root.addSubregion(0, memory);
    root.addSubregion(0x4000, shadow);
    root.addSubregion(0x8000, flash);
    root.addSubregion(0x9000, MemoryRegion.rom('rom', space.allocateRam('rom', 0x1000)));
    const view = FlatView.of(root);
    const offset = memory.block?.offset ?? Number.NaN;
    expect(view.find(0x10)).toMatchObject({ host: offset, writeHost: offset, readonly: false });
    expect(view.find(0x4000)).toMatchObject({ host: offset + 0x800, writeHost: -1, readonly: true });
    expect(view.find(0x8000)).toMatchObject({ host: flash.block?.offset, writeHost: -1, romd: true });
    expect(view.find(0x9000)).toMatchObject({ writeHost: -1, readonly: true });
    flash.setRomdMode(false);
    expect(FlatView.of(root).find(0x8000)).toMatchObject({ host: -1, romd: false });
  });
});

describe('regions', () => {
  test('refuse what cannot be', () => {
    const root = MemoryRegion.container('root', 0x1000);
    const chip = io('chip', 0x100);
    root.addSubregion(0, chip);
    expect(() => root.addSubregion(0x100, chip)).toThrow("memory region 'chip' is a part of 'root' already");
    expect(() => io('x', -1)).toThrow(RangeError);
    expect(() => io('x', 2 ** 60)).toThrow(RangeError);
    expect(() => root.addSubregion(2 ** 52, io('far', 1))).toThrow(RangeError);
    expect(() => chip.removeSubregion(root)).toThrow(/no part of/);
    expect(() => chip.setRomdMode(true)).toThrow(/no ROM device/);
    expect(() => ram('ram', 0x1000).setSize(0x2000)).toThrow(/size of its RAM/);
  });

  test('show their place as properties', () => {
    const root = MemoryRegion.container('root', WHOLE_SPACE);
    const chip = io('chip', 0x100);
    root.addSubregion(0x1000, chip, -3);
    expect(chip.getProperty('addr')).toBe(0x1000);
    expect(chip.getProperty('size')).toBe(0x100);
    expect(chip.getProperty('priority')).toBe(-3);
    expect(chip.getProperty('container')).toBe(root);
    expect(root.getProperty('size')).toBe(2n ** 64n - 1n);
  });

  test('dispose leaves the container', () => {
    const root = MemoryRegion.container('root', 0x1000);
    const chip = io('chip', 0x100);
    root.addSubregion(0, chip);
    chip.dispose();
    expect(root.subregions).toEqual([]);
    expect(chip.container).toBeUndefined();
  });
});

// A model without ranges: who answers at one address?
const LIMIT = 96;

interface Answer {
  readonly region: MemoryRegion;
  readonly offset: number;
  readonly readonly: boolean;
}

function answerAt(region: MemoryRegion, at: number, readonly_: boolean): Answer | undefined {
  if (!region.enabled || at < 0 || at >= region.size) return undefined;
  const isReadonly = readonly_ || region.readonly;
  if (region.target) return answerAt(region.target, at + region.targetOffset, isReadonly);
  for (const part of region.subregions) {
    const answer = answerAt(part, at - part.address, isReadonly);
    if (answer) return answer;
  }
  return region.kind === 'container' ? undefined : { region, offset: at, readonly: isReadonly };
}

interface Plan {
  readonly kind: 'io' | 'container' | 'alias' | 'ram';
  readonly size: number;
  readonly address: number;
  readonly priority: number;
  readonly enabled: boolean;
  readonly readonly: boolean;
  /** Index of the container, and of an alias's target, among the regions so far. */
  readonly parent: number;
  readonly target: number;
  readonly targetOffset: number;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  kind: fc.constantFrom('io' as const, 'container' as const, 'alias' as const, 'ram' as const),
  size: fc.oneof(fc.integer({ min: 0, max: LIMIT }), fc.constant(WHOLE_SPACE)),
  address: fc.integer({ min: 0, max: LIMIT }),
  priority: fc.integer({ min: -2, max: 2 }),
  enabled: fc.integer({ min: 0, max: 7 }).map((n) => n > 0),
  readonly: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  parent: fc.nat({ max: 20 }),
  target: fc.nat({ max: 20 }),
  targetOffset: fc.nat({ max: LIMIT }),
});

const sharedBlock = space.allocateRam('shared', LIMIT);

function makeRegion(p: Plan, name: string, made: readonly MemoryRegion[]): MemoryRegion {
  const target = made[p.target % made.length];
  if (p.kind === 'alias' && target) return MemoryRegion.alias(name, target, p.targetOffset, p.size);
  if (p.kind === 'ram') return MemoryRegion.ram(name, sharedBlock);
  return p.kind === 'io' ? io(name, p.size) : MemoryRegion.container(name, p.size);
}

/** Whether a region shows another, in its parts or through aliases. */
function shows(region: MemoryRegion, other: MemoryRegion): boolean {
  if (region === other || (region.target && shows(region.target, other))) return true;
  return region.subregions.some((part) => shows(part, other));
}

/** A random tree in which aliases show regions that are there already, but none that contains the alias. */
function grow(plans: readonly Plan[]): MemoryRegion {
  const root = MemoryRegion.container('root', WHOLE_SPACE);
  const made: MemoryRegion[] = [];
  const containers: MemoryRegion[] = [root];
  for (const [i, p] of plans.entries()) {
    const region = makeRegion(p, `${p.kind}${i}`, made);
    region.setEnabled(p.enabled);
    region.setReadonly(p.readonly);
    made.push(region);
    const container = containers[p.parent % containers.length];
    if (container && !shows(region, container)) container.addSubregion(p.address, region, p.priority);
    if (region.kind !== 'alias') containers.push(region);
  }
  return root;
}

test('the flat view of any tree says the same as looking each address up in the tree', () => {
  fc.assert(
    fc.property(fc.array(plan, { maxLength: 14 }), (plans) => {
      const root = grow(plans);
      const view = FlatView.of(root);
      for (let address = 0; address < 3 * LIMIT; address++) {
        const range = view.find(address);
        const found = range && {
          region: range.region,
          offset: range.offset + (address - range.base),
          readonly: range.readonly,
        };
        expect(found).toEqual(answerAt(root, address, false));
      }
      for (const [i, range] of view.ranges.entries()) {
        const next = view.ranges[i + 1];
        expect(range.end).toBeGreaterThan(range.base);
        if (next) expect(next.base).toBeGreaterThanOrEqual(range.end);
        if (next) expect(range.continuedBy(next)).toBe(false);
      }
    }),
    { numRuns: 300 },
  );
});
