/**
 * Builds the memory image of a run on a whole machine: scenarios, one after the other, and a supervisor that begins each of them and logs
 * every interruption, of whatever class, that they meet.
 */
import { assemble } from '../assembler.ts';
import { EXECUTOR } from '../layout.ts';
import { SUPERVISOR } from '../program.ts';

/** Bits of a PSW's mask. */
export const MASK = {
  per: 1n << 62n,
  io: 1n << 57n,
  external: 1n << 56n,
  machineCheck: 1n << 50n,
  wait: 1n << 49n,
  problem: 1n << 48n,
} as const;

/** Classes of interruptions, with the places of their PSWs in the prefix area. */
const CLASSES = [
  { name: 'restart', oldPsw: 0x120, newPsw: 0x1a0 },
  { name: 'external', oldPsw: 0x130, newPsw: 0x1b0 },
  { name: 'supervisor call', oldPsw: 0x140, newPsw: 0x1c0 },
  { name: 'program', oldPsw: 0x150, newPsw: 0x1d0 },
  { name: 'machine check', oldPsw: 0x160, newPsw: 0x1e0 },
  { name: 'I/O', oldPsw: 0x170, newPsw: 0x1f0 },
] as const;

/** The supervisor's, in reach of a long displacement without a base. Only `psw` is in the prefix area, for LPSWE. */
const VARIABLES = {
  psw: 0x400,
  registers: 0x3000,
  log: 0x3080,
  next: 0x3088,
  zeros: 0x3100,
  controls: 0x3180,
  comparator: 0x3200,
  timer: 0x3208,
} as const;

/** Where the guest puts the number of what it asks the user for, and where it finds the number of what has been done: doublewords. */
export const USER = { asked: 0x3210, done: 0x3218 } as const;

/** Of the breaking-event address docs/boards/s390x-s390-ccw-virtio.md tells what there is. */
const isBreakingEvent = (address: number): boolean => address >= 0x110 && address < 0x118;

/** What interruptions store in the prefix area, from the first field to the last old PSW. */
const AREA = { start: 0x80, bytes: 0x100 } as const;
/** An entry of the log. */
const ENTRY = { class: 0, area: 16, registers: 16 + AREA.bytes, bytes: 16 + AREA.bytes + 128 } as const;

const CODE = 0x2_0000;
/** Another prefix area, with the same new PSWs. */
export const OTHER_PREFIX = 0x1_8000;
const DATA = 0x80_0000;
const SCENARIOS = 0x118_0000;
const LOG = 0x120_0000;
/** Where the machine-check interruption saves registers: what is not a clock. */
const SAVED = [0x1200, 0x1328, 0x1338, 0x1400] as const;

/** Control register 0 of a scenario at its start: floating point, vectors and EDAT; no subclass of interruptions is enabled. */
export const CONTROL_0 = 0x0086_0000n;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const viewOf = (ram: Uint8Array): DataView => new DataView(ram.buffer, ram.byteOffset, ram.byteLength);

/** Instructions, one behind the other. */
class Code {
  here: number;
  readonly guest: Guest;

  constructor(guest: Guest, here: number) {
    this.guest = guest;
    this.here = here;
  }

  op(mnemonic: string, nibbles: string): void {
    this.guest.bytes.set(assemble(mnemonic, nibbles), this.here);
    this.here += assemble(mnemonic, nibbles).length;
  }

  /** An instruction with registers and an address of 20 bits. */
  long(mnemonic: string, registers: string, address: number): void {
    this.op(mnemonic, `${registers}0${hex(address & 0xfff, 3)}${hex(address >> 12, 2)}`);
  }

  /** A value into a general register. */
  load(register: number, value: bigint | number): void {
    const number = BigInt.asUintN(64, BigInt(value));
    const right = hex(Number(number & 0xffff_ffffn), 8);
    if (number >> 32n === 0n) {
      this.op('llilf', hex(register, 1) + right);
      return;
    }
    this.op('llihf', hex(register, 1) + hex(Number(number >> 32n), 8));
    this.op('oilf', hex(register, 1) + right);
  }

  /** A relative branch; gives what aims it anew. */
  branch(mask: number, to: number = this.here): (to: number) => void {
    const at = this.here;
    this.op('brcl', `${hex(mask, 1)}00000000`);
    const aim = (target: number): void => this.guest.poke32(at + 2, (target - at) / 2);
    aim(to);
    return aim;
  }
}

/** PSW and control registers that a scenario goes on with. */
export interface Window {
  /** Bits of the PSW's mask besides those of the supervisor state. */
  readonly psw?: bigint;
  /** Bits of control register 0 besides those that it has at the start. */
  readonly cr0?: bigint;
  readonly cr6?: bigint;
  readonly cr14?: bigint;
}

/**
 * The code of a scenario. It starts disabled for everything, with registers of zeros, and ends with its first program interruption or
 * supervisor call. After any other interruption it goes on where it was, awake. Register 15 is its scratch.
 */
export class Scenario extends Code {
  readonly name: string;

  constructor(guest: Guest, name: string, here: number) {
    super(guest, here);
    this.name = name;
  }

  /** Doublewords in storage: their address. */
  data(...words: readonly bigint[]): number {
    return this.guest.place(words);
  }

  /** The same at a multiple of the largest power of two in their length, a page at least. */
  page(...words: readonly bigint[]): number {
    this.guest.alignData(Math.max(4096, 2 ** Math.floor(Math.log2(8 * words.length))));
    return this.data(...words);
  }

  /** Loads one control register. */
  control(number: number, value: bigint): void {
    this.load(15, this.data(value));
    this.op('lctlg', `${hex(number, 1).repeat(2)}f00000`);
  }

  /** Goes on at the next instruction with another PSW. */
  open({ psw = 0n, cr0, cr6, cr14 }: Window): void {
    if (cr0 !== undefined) this.control(0, CONTROL_0 | cr0);
    if (cr6 !== undefined) this.control(6, cr6);
    if (cr14 !== undefined) this.control(14, cr14);
    const at = this.data(SUPERVISOR | psw, 0n);
    this.load(15, at);
    this.op('lpswe', 'f000');
    this.guest.poke64(at + 8, BigInt(this.here));
  }

  /** Lets time go by, in microseconds. Registers 13 and 14 are scratch, too. */
  spin(microseconds: number): void {
    const at = this.data(0n);
    this.load(15, at);
    this.op('stck', 'f000');
    this.load(13, microseconds * 4096);
    this.op('ag', 'd0f00000');
    const loop = this.here;
    this.op('stck', 'f000');
    this.op('lg', 'e0f00000');
    this.op('clgr', '00ed');
    this.branch(4, loop);
    this.op('mvghi', 'f0000000');
    this.load(13, 0);
    this.load(14, 0);
  }

  /** Lets the user do something, by its number from 1 on, and waits until that is done. Register 14 is scratch, too. */
  askUser(step: number): void {
    this.load(15, step);
    this.long('stg', 'f0', USER.asked);
    const loop = this.here;
    this.long('lg', 'e0', USER.done);
    this.op('clgr', '00ef');
    this.branch(7, loop);
    this.load(14, 0);
    this.load(15, 0);
  }

  /** An order to a CPU, once that is not busy. Registers 1 and 2 are scratch, too. */
  signal(order: number, cpu: number): void {
    const again = this.here;
    this.load(1, 0);
    this.load(2, cpu);
    this.op('sigp', `120${hex(order, 3)}`);
    this.branch(2, again);
  }

  /** Ends: condition code and program mask are in register 0. */
  end(): void {
    this.op('ipm', '0000');
    this.op('svc', '00');
  }
}

/** An image, and what its runs left. */
export class Guest {
  readonly bytes = new Uint8Array(LOG);
  readonly names: string[] = [];
  /** Where the data of each scenario begin. */
  readonly starts: number[] = [];
  readonly #view = viewOf(this.bytes);
  #data = DATA;
  #code = CODE;

  constructor() {
    const code = new Code(this, EXECUTOR);
    const start = code.branch(15);
    const handlers = CLASSES.map((_, n) => this.#handler(code, n));
    start(code.here);
    const next = this.#next(code);
    for (const { toNext } of handlers) toNext?.(next);
    for (const area of [0, OTHER_PREFIX]) {
      for (const [n, { newPsw }] of CLASSES.entries()) {
        this.poke64(area + newPsw, SUPERVISOR);
        this.poke64(area + newPsw + 8, BigInt(handlers[n]?.entry ?? 0));
      }
    }
    this.poke64(VARIABLES.log, BigInt(LOG));
    this.poke64(VARIABLES.next, BigInt(SCENARIOS));
    this.poke64(VARIABLES.controls, CONTROL_0);
    this.poke64(VARIABLES.comparator, -1n);
    this.poke64(VARIABLES.timer, (1n << 63n) - 1n);
  }

  /** Adds a scenario. */
  add(name: string, write: (scenario: Scenario) => void): void {
    const scenario = new Scenario(this, name, this.#code);
    this.poke64(SCENARIOS + 8 * this.names.length, BigInt(this.#code));
    this.names.push(name);
    this.starts.push(this.#data);
    write(scenario);
    // Code on pages of its own: what is stored elsewhere does not touch it.
    this.#code = (scenario.here + 0x1fff) & ~0xfff;
    if (this.#code > DATA) throw new RangeError('no room for more scenarios');
  }

  place(words: readonly bigint[]): number {
    const at = this.#data;
    for (const [n, word] of words.entries()) this.poke64(at + n * 8, word);
    this.#data = (at + words.length * 8 + 63) & ~63;
    if (this.#data > SCENARIOS) throw new RangeError('no room for more data');
    return at;
  }

  /** What is placed next begins at a multiple of so many bytes. */
  alignData(bytes: number): void {
    this.#data = Math.ceil(this.#data / bytes) * bytes;
  }

  poke64(address: number, value: bigint): void {
    this.#view.setBigUint64(address, BigInt.asUintN(64, value));
  }

  poke32(address: number, value: number): void {
    this.#view.setInt32(address, value);
  }

  /** Logs an interruption and goes on where the CPU was, or to the next scenario. */
  #handler(code: Code, number: number): { readonly entry: number; readonly toNext?: (to: number) => void } {
    const { name, oldPsw } = CLASSES[number] ?? CLASSES[0];
    const entry = code.here;
    code.long('stmg', '0f', VARIABLES.registers);
    code.load(1, number);
    code.long('lg', '20', VARIABLES.log);
    code.op('stg', '10200000');
    code.op('mvc', `ff2${hex(ENTRY.area, 3)}0${hex(AREA.start, 3)}`);
    code.load(3, VARIABLES.registers);
    code.op('mvc', `7f2${hex(ENTRY.registers, 3)}3000`);
    code.op('aghi', `2${hex(ENTRY.bytes, 4)}`);
    code.long('stg', '20', VARIABLES.log);
    code.op('mvc', `0f0${hex(VARIABLES.psw, 3)}0${hex(oldPsw, 3)}`);
    if (name === 'external') this.#putOff(code);
    code.op('xc', `ff0${hex(AREA.start, 3)}0${hex(AREA.start, 3)}`);
    if (name === 'program' || name === 'supervisor call') return { entry, toNext: code.branch(15) };
    code.op('ni', `fd0${hex(VARIABLES.psw + 1, 3)}`);
    code.long('lmg', '0f', VARIABLES.registers);
    code.op('lpswe', `0${hex(VARIABLES.psw, 3)}`);
    return { entry };
  }

  /** A clock that has called is set to where it will not again. */
  #putOff(code: Code): void {
    for (const [interruption, instruction, value] of [
      [0x1004, 'sckc', VARIABLES.comparator],
      [0x1005, 'spt', VARIABLES.timer],
    ] as const) {
      code.op('clhhsi', `0086${hex(interruption, 4)}`);
      const over = code.branch(7);
      code.load(1, value);
      code.op(instruction, '1000');
      over(code.here);
    }
  }

  /** Begins the next scenario, or stops the CPU, which ends the machine. */
  #next(code: Code): number {
    const { here } = code;
    code.load(1, VARIABLES.zeros);
    code.op('spx', '1000');
    code.long('lctlg', '0f', VARIABLES.controls);
    code.load(1, VARIABLES.comparator);
    code.op('sckc', '1000');
    code.op('spt', '1008');
    code.long('lg', '10', VARIABLES.next);
    code.op('lg', '20100000');
    code.op('aghi', '10008');
    code.long('stg', '10', VARIABLES.next);
    code.load(1, SUPERVISOR);
    code.long('stmg', '12', VARIABLES.psw);
    code.op('ltgr', '0022');
    const toEnd = code.branch(8);
    code.long('lmg', '0f', VARIABLES.zeros);
    code.op('lpswe', `0${hex(VARIABLES.psw, 3)}`);
    toEnd(code.here);
    code.op('lghi', '20000');
    code.op('sigp', '120005');
    code.branch(15, code.here);
    return here;
  }
}

/** What a run logged of each scenario, by its name, and what that left in storage: a line for each value that is not zero. */
export type Log = Readonly<Record<string, readonly string[]>>;

export function readLog(guest: Guest, ram: Uint8Array): Log {
  const view = viewOf(ram);
  const log: Record<string, string[]> = Object.fromEntries(guest.names.map((name) => [name, []]));
  let scenario = 0;
  for (let at = LOG; at < Number(view.getBigUint64(VARIABLES.log)); at += ENTRY.bytes) {
    const { name } = CLASSES[Number(view.getBigUint64(at))] ?? CLASSES[0];
    const lines = log[guest.names[scenario] ?? ''] ?? [];
    lines.push(name);
    for (let n = 0; n < AREA.bytes; n += 4) {
      const word = view.getUint32(at + ENTRY.area + n);
      if (word !== 0 && !isBreakingEvent(AREA.start + n)) lines.push(`  ${hex(AREA.start + n, 3)}: ${hex(word, 8)}`);
    }
    for (let n = 0; n < 16; n++) {
      const value = view.getBigUint64(at + ENTRY.registers + 8 * n);
      if (value !== 0n) lines.push(`  r${n}: ${value.toString(16)}`);
    }
    if (name === 'program' || name === 'supervisor call') scenario++;
  }
  for (const [n, name] of guest.names.entries()) {
    log[name]?.push(...readMemory(view, guest.starts[n] ?? DATA, guest.starts[n + 1] ?? SCENARIOS));
  }
  return { ...log, 'save areas': [0, OTHER_PREFIX].flatMap((area) => readSaved(view, area)) };
}

function readMemory(view: DataView, from: number, to: number): readonly string[] {
  const lines: string[] = [];
  for (let at = from; at < to; at += 8) {
    const value = view.getBigUint64(at);
    if (value !== 0n) lines.push(`  ${hex(at, 6)}: ${value.toString(16)}`);
  }
  return lines;
}

function readSaved(view: DataView, area: number): readonly string[] {
  const [first, clocks, behind, end] = SAVED;
  return [...readMemory(view, area + first, area + clocks), ...readMemory(view, area + behind, area + end)];
}
