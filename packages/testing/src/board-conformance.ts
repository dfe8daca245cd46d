// What every board must do, whatever it models: the suite that each board of a package, or of one's own, is run through.
// The test runner is handed in, so that this needs none of its own.

import {
  type BoardDefinition,
  type BwObject,
  createObjectTree,
  type DeviceState,
  devicesOf,
  formatBytes,
  formatFlatViews,
  formatMemoryTree,
  listProperties,
  type Machine,
  ManualClock,
  MemoryBackend,
  MemoryRegion,
  MiB,
  PipeChar,
  RamSpace,
  ramSizeProblem,
  restoreTree,
  saveTree,
  standardRamSize,
  stateFieldsOf,
} from '@boardwalk/core';
import { hostBackendTests } from './board-backends.ts';
import { numaTests } from './board-numa.ts';
import {
  type BoardConformanceOptions,
  check,
  checkBytesReach,
  checkRefused,
  checkSame,
  Subject,
  type TestRunner,
} from './board-subject.ts';
import { differences, show } from './differences.ts';

export { type BoardConformanceOptions, type BoardFacts, pokeDevices, type TestRunner } from './board-subject.ts';

/** Machines are made with the RAM that they take by themselves, or at most this much where only a size is tried. */
const LARGEST_MADE = MiB(2048);

/** States without the fields that keep their values through resets, as their declarations say. */
function resettable(machine: Machine): Record<string, DeviceState> {
  const states: Record<string, DeviceState> = {};
  for (const device of devicesOf(machine)) {
    const kept = new Set(stateFieldsOf(device).flatMap((field) => (field.reset === undefined ? [field.name] : [])));
    const state = device.save();
    const fields = Object.fromEntries(Object.entries(state.fields).filter(([name]) => !kept.has(name)));
    states[device.path] = { ...state, fields };
  }
  return states;
}

function ramTests({ it }: TestRunner, subject: Subject): void {
  const { board, facts } = subject;
  it('has the RAM id and the default size that it should', async () => {
    checkSame('defaultRamId', board.defaultRamId, facts.ramId);
    checkSame('defaultRamSize', board.defaultRamSize ?? standardRamSize, facts.defaultRamSize);
    await subject.with((machine) => {
      checkSame('machine.ramSize', machine.ramSize, facts.defaultRamSize);
      if (facts.ramId === undefined || facts.defaultRamSize === 0) return;
      checkSame('the RAM region', [machine.ram.name, machine.ram.size], [facts.ramId, facts.defaultRamSize]);
      const object = machine.root.children.get('objects')?.children.get(facts.ramId);
      check(object instanceof MemoryBackend, `there is no memory backend /objects/${facts.ramId}`);
      const mapped = machine.addressSpace.flatView().ranges.some((range) => range.region === machine.ram);
      check(mapped, 'the CPUs see no RAM');
    });
  });

  for (const bytes of subject.accepted) {
    it(`takes ${formatBytes(bytes)} of RAM`, async () => {
      const problem = ramSizeProblem(board, bytes);
      check(problem === undefined, `refused: ${problem}`);
      if (bytes > LARGEST_MADE) return;
      await subject.with((machine) => checkSame('machine.ramSize', machine.ramSize, bytes), { ramSize: bytes });
    });
  }
  for (const { bytes, text } of subject.refused) {
    it(`refuses ${formatBytes(bytes)} of RAM`, () => checkRefused(subject.create({ ramSize: bytes }), text));
  }
  it('refuses a RAM size that is no whole number of pages', () =>
    checkRefused(subject.create({ ramSize: facts.defaultRamSize + 1 }), 'RAM size'));
}

function backendTests({ it }: TestRunner, subject: Subject): void {
  if (subject.facts.ramId === undefined) {
    it('refuses a memory backend, having no RAM', async () => {
      const { root, space } = subject.backend(MiB(1));
      await checkRefused(subject.create({ root, space, memoryBackend: 'guest-memory' }), 'memory backend');
    });
    return;
  }
  const size = subject.backendSize;
  it("takes a memory backend of the user's as RAM, and leaves it when it ends", async () => {
    const { root, space, backend } = subject.backend(size);
    const machine = await subject.create({ root, space, memoryBackend: 'guest-memory' });
    try {
      check(machine.memoryBackend === backend && machine.ram === backend.region, 'the RAM is of another backend');
      const made = root.children.get('objects')?.children.has(subject.facts.ramId ?? '');
      check(made === false, 'a backend was made beside that of the user');
      checkBytesReach(machine, backend);
      await checkRefused(subject.create({ root: createObjectTree(), space, memoryBackend: 'nobody' }), 'not found');
    } finally {
      await machine.dispose();
    }
    check(!backend.mapped, 'the backend is still in use');
    check(
      backend.region.block !== undefined && space.blocks.includes(backend.region.block),
      'the backend lost its RAM',
    );
    backend.dispose();
  });
  it('refuses a size that is not that of the backend', async () => {
    const { root, space, backend } = subject.backend(size);
    const options = { root, space, memoryBackend: 'guest-memory', ramSize: size * 2 };
    await checkRefused(subject.create(options), 'must match size of explicitly specified');
    check(!backend.mapped, 'the backend is in use after a refusal');
  });
}

function* objectsBelow(o: BwObject): Generator<BwObject> {
  yield o;
  for (const child of o.children.values()) yield* objectsBelow(child);
}

function inspectionTests({ it }: TestRunner, subject: Subject): void {
  it('shows every object and every property', () =>
    subject.with((machine) => {
      for (const object of objectsBelow(machine)) {
        for (const { name } of listProperties(object)) {
          const value = object.getProperty(name);
          const child = object.children.get(name);
          if (child !== undefined) check(value === child, `${object.path}.${name} is not the child of that name`);
        }
        for (const { name, description } of object.properties()) {
          check(description !== '', `property '${name}' of ${object.type} has no description`);
        }
      }
      for (const device of devicesOf(machine)) device.describeState();
    }));
  it('prints its memory map', () =>
    subject.with((machine) => {
      const tree = formatMemoryTree(machine.addressSpace);
      const flat = formatFlatViews(machine.addressSpace);
      check(tree.startsWith('address-space: memory\n'), `the map is\n${tree}`);
      if (subject.facts.ramId === undefined || machine.ramSize === 0) return;
      for (const text of [tree, flat]) check(text.includes(subject.facts.ramId), `no RAM in the map\n${text}`);
    }));
  it('refuses a property that it has not', () =>
    checkRefused(subject.create({ boardProps: { 'no-such-property': 'on' } }), "no-such-property' not found"));
  it('has a name for each of its properties, and a description', () => {
    for (const { name, description } of subject.board.properties ?? []) {
      check(name !== '' && description !== '', `property '${name}' is not described`);
    }
    check(subject.board.description !== '', 'the board has no description');
  });
}

function stateTests({ it }: TestRunner, subject: Subject): void {
  it('is after a reset as a fresh machine is', () =>
    subject.with((machine) => {
      const fresh = resettable(machine);
      for (const round of [1, 2]) {
        subject.exercise(machine);
        const changed = differences(resettable(machine), fresh).length > 0;
        check(changed || devicesOf(machine).length === 0, 'no device changed: give the suite another `exercise`');
        machine.reset('host');
        checkSame(`the state after reset ${round}`, resettable(machine), fresh);
      }
    }));
  it('two machines start in the same state', () =>
    subject.with((first) => subject.with((second) => checkSame('the state', saveTree(second), saveTree(first)))));
  it('saves and restores every device', () =>
    subject.with((first) =>
      subject.with((second) => {
        subject.exercise(first);
        const saved = structuredClone(saveTree(first));
        checkSame(
          'the devices saved',
          Object.keys(saved),
          devicesOf(first).map((device) => device.path),
        );
        restoreTree(second, saved);
        checkSame('the state after restore', saveTree(second), saved);
      }),
    ));
}

function disposeTests({ it }: TestRunner, subject: Subject): void {
  it('gives back everything when it is disposed', async () => {
    const root = createObjectTree();
    const space = RamSpace.create();
    const serial = new PipeChar();
    let closed = false;
    const close = serial.close.bind(serial);
    serial.close = () => {
      closed = true;
      close();
    };
    const clock = new ManualClock();
    const options = { root, space, clock, serials: [serial] };
    const machine = await subject.create(options);
    const block = machine.ramSize > 0 && subject.facts.ramId !== undefined ? machine.ram.block : undefined;
    const { addressSpace } = machine;
    subject.exercise(machine);
    const view = addressSpace.flatView();
    await machine.dispose();
    await machine.dispose();
    check(block === undefined || !space.blocks.includes(block), 'the main RAM is still allocated');
    checkSame(
      'the RAM that is still allocated',
      space.blocks.map(({ name }) => name),
      [],
    );
    check(clock.armedTimers === 0, `${clock.armedTimers} timers are still armed`);
    check(!root.children.has('machine'), 'the machine is still in the object tree');
    const left = [...(root.children.get('objects')?.children.keys() ?? [])];
    check(left.length === 0, `objects are left: ${left.map(show).join(', ')}`);
    check(closed, 'the serial backend is still open');
    machine.systemMemory.addSubregion(0, MemoryRegion.container('afterwards', 2 ** 32), 1000);
    check(addressSpace.flatView() === view, 'the address space still follows the memory map');
  });
  it('leaves nothing behind when it is refused', async () => {
    const root = createObjectTree();
    const space = RamSpace.create();
    await checkRefused(subject.create({ root, space, ramSize: 1 }), 'RAM size');
    check(space.blocks.length === 0, 'RAM is still allocated');
    check(!root.children.has('machine'), 'the machine is still in the object tree');
    check((root.children.get('objects')?.children.size ?? 0) === 0, 'objects are left');
  });
}

/**
 * Declares the tests that every board must pass.
 *
 * @param board the board, as `-M` would find it
 * @param options the test runner's `describe` and `it`, and what is special about the board
 */
export function boardConformance(board: BoardDefinition, options: BoardConformanceOptions): void {
  const subject = new Subject(board, options);
  options.describe(`the board ${board.name} (${board.arch})`, () => {
    ramTests(options, subject);
    backendTests(options, subject);
    hostBackendTests(options, subject);
    numaTests(options, subject);
    inspectionTests(options, subject);
    stateTests(options, subject);
    disposeTests(options, subject);
  });
}
