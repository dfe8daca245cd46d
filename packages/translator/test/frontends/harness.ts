/** A machine around a test-only frontend: RAM at 0, a port that records writes and answers reads at PORT. */
import {
  type CodeStore,
  defineBoard,
  GuestLog,
  Machine,
  MEM_DECODE_ERROR,
  MEM_ERROR,
  MemoryRegion,
  type VirtualClock,
} from '@boardwalk/core';
import { defineHelper, type Frontend, type IrHelper, type StateLayout, TranslatedCpu } from '@boardwalk/translator';
import { afterEach } from 'vitest';

/** Physical address of the port: 256 bytes. */
export const PORT = 0x800_0000;
export const RAM_BYTES = 4 * 2 ** 20;

export class TestCpu extends TranslatedCpu {
  static override readonly typeName = 'test-cpu';
  readonly #arenaBytes: number | undefined;

  constructor(index: number, frontend: Frontend, arenaBytes: number | undefined) {
    super(index, frontend);
    this.#arenaBytes = arenaBytes;
  }

  protected override get arenaBytes(): number | undefined {
    return this.#arenaBytes;
  }
}

export interface BootOptions {
  readonly cpus?: number;
  /** Acts as a device when the port is written. */
  readonly onPortWrite?: (machine: Machine, value: number) => void;
  /** Takes the lines of every log category. */
  readonly log?: string[];
  readonly ramBytes?: number;
  /** Sees the attributes of each access to the port. */
  readonly onAttributes?: (attrs: number) => void;
  /** Bytes of the code cache. */
  readonly arenaBytes?: number;
  /** Adds to the board. */
  readonly build?: (machine: Machine) => void;
  readonly clock?: VirtualClock;
  /** Where translated code is kept for the next machine. */
  readonly codeStore?: CodeStore | undefined;
  /** Runs of a block before tier 1 compiles it, or `off`. */
  readonly tier1?: number | 'off' | { readonly threshold: number; readonly codeBytes: number };
}

export interface TestMachine {
  readonly machine: Machine;
  readonly cpu: TestCpu;
  readonly cpus: readonly TestCpu[];
  /** Writes that the port saw: `offset:size=value`. */
  readonly writes: string[];
  /** Runs until the vCPU halts, at most `budget` instructions. */
  run(budget?: number): void;
  /** A register by the name of its slot. */
  reg(name: string): bigint;
  setReg(name: string, value: bigint | number): void;
  /** Puts bytes into RAM, as a device would. */
  put(address: number, bytes: ArrayLike<number>): void;
  bytes(address: number, length: number): number[];
  dispose(): Promise<void>;
}

/** Boots a frontend at pc 0 with `program` there. */
export async function boot(frontend: Frontend, program: ArrayLike<number>, o: BootOptions = {}): Promise<TestMachine> {
  const writes: string[] = [];
  const cpus: TestCpu[] = [];
  let self: Machine | undefined;
  const port = MemoryRegion.io('port', 256, {
    read: (offset, _size, attrs) => {
      o.onAttributes?.(attrs);
      if (offset >= 0xc0) return MEM_ERROR;
      return offset >= 0x80 ? MEM_DECODE_ERROR : 0x11 * (offset + 1);
    },
    write: (offset, size, value, attrs) => {
      o.onAttributes?.(attrs);
      if (offset >= 0xc0) return MEM_ERROR;
      if (offset >= 0x80) return MEM_DECODE_ERROR;
      writes.push(`${offset}:${size}=${value.toString(16)}`);
      if (self !== undefined) o.onPortWrite?.(self, value);
      return 0;
    },
    valid: { unaligned: true },
    impl: { min: 1, max: 4, unaligned: true },
  });
  const board = defineBoard({
    name: 'test',
    description: 'a CPU, RAM and a port',
    arch: 'test',
    defaultCpu: 'test',
    maxCpus: 4,
    defaultRamSize: o.ramBytes ?? RAM_BYTES,
    defaultRamId: 'ram',
    build(machine) {
      self = machine;
      machine.map(0, machine.ram);
      machine.map(PORT, port);
      for (let i = 0; i < (o.cpus ?? 1); i++) cpus.push(machine.add(new TestCpu(i, frontend, o.arenaBytes), `cpu${i}`));
      o.build?.(machine);
    },
  });
  const machine = await Machine.create(board, {
    smp: { cpus: o.cpus ?? 1 },
    ...(o.tier1 === undefined ? {} : { tier1: typeof o.tier1 === 'number' ? { threshold: o.tier1 } : o.tier1 }),
    ...(o.clock === undefined ? {} : { clock: o.clock }),
    ...(o.codeStore === undefined ? {} : { codeStore: o.codeStore }),
  });
  const [cpu] = cpus;
  if (cpu === undefined) throw new Error('no CPU');
  if (o.log !== undefined) {
    const lines = o.log;
    machine.log.setCategories(GuestLog.parseCategories('all'));
    machine.log.setSink((category, text) => lines.push(`${category}: ${text}`));
  }
  const slot = (name: string) => {
    const field = frontend.state.fields.find((f) => f.slot.name === name);
    if (field === undefined) throw new Error(`no register ${name}`);
    return field.slot;
  };
  const test: TestMachine = {
    machine,
    cpu,
    cpus,
    writes,
    run(budget = 100_000) {
      for (let left = budget; left > 0 && !cpu.halted; ) left -= Math.max(cpu.execute(left), 1);
    },
    reg: (name) => cpu.register(slot(name)),
    setReg: (name, value) => cpu.setRegister(slot(name), BigInt(value)),
    put: (address, bytes) => {
      machine.addressSpace.writeBytes(address, Uint8Array.from(bytes));
    },
    bytes: (address, length) => {
      const into = new Uint8Array(length);
      machine.addressSpace.readBytes(address, into);
      return [...into];
    },
    dispose: () => machine.dispose(),
  };
  for (const c of cpus) c.resetHold();
  test.put(0, program);
  return test;
}

const started: TestMachine[] = [];
afterEach(async () => {
  for (const m of started.splice(0)) await m.dispose();
});

/** Boots as {@link boot} does, for one test: the machine goes when the test ends. */
export async function start(...args: Parameters<typeof boot>): Promise<TestMachine> {
  const m = await boot(...args);
  started.push(m);
  return m;
}

/** A frontend's answer to its one interrupt line: drops the line, wakes the vCPU, and raises `code`. */
export function takeInterrupt(name: string, layout: StateLayout, raise: IrHelper, code: number): IrHelper {
  const { pendingIrq, halted, excCode } = layout.common;
  return defineHelper(name, [], 'i32', (b) => {
    b.if(b.get(pendingIrq), () => {
      b.set(pendingIrq, b.i32(0));
      b.set(halted, b.i32(0));
      b.set(excCode, b.i32(code));
      b.call(raise);
      b.return_(b.i32(1));
    });
    return b.i32(0);
  });
}

/** The element of a list that there must be. */
export function at<X>(list: readonly X[], n: number): X {
  const found = list[n];
  if (found === undefined) throw new Error(`no element ${n}`);
  return found;
}

/** Bytes of a 32-bit number, little-endian. */
export function le32(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
}

/** Bytes of a 32-bit number, big-endian. */
export function be32(value: number): number[] {
  return le32(value).reverse();
}
