/** The PCI instructions: loads and stores of all spaces, blocks, controls, translations, and what each refuses, with condition codes and statuses. */
import { Guest, MASK, type Scenario } from './guest.ts';

/** A function with a number of its own, and one that is never enabled. */
export const PCI_DEVICES: readonly string[] = [
  'zpci,uid=7,fid=9,target=first',
  'virtio-rng-pci,id=first',
  'zpci,uid=8,fid=10,target=second',
  'virtio-rng-pci,id=second',
];

const DISABLED = 0x0002_0000;
const ENABLED = 0x8002_0000;
const NONE = 0x8002_0077;
const SECOND = 0x0002_0001;
const HANDLES = [ENABLED, DISABLED, NONE, SECOND, 0, 0x8000_0000, 0x8002_0001] as const;

const CONFIG_SPACE = 15;
/** The window of the virtio structures. */
const WINDOW = 4;

const SET_FUNCTION = 5;

/** What an instruction is asked for: a function, a space, and a length or operation. */
const request = (handle: number, space: number, low: number): bigint =>
  (BigInt(handle) << 32n) | (BigInt(space) << 16n) | BigInt(low);

/** Enables or disables a function, as a command to the logical processor. */
function setFunction(s: Scenario, handle: number, operation: number, dmaSpaces = 1): void {
  const page = s.page(
    0x0020_0005_0000_0000n | (BigInt(SET_FUNCTION) << 32n),
    0n,
    (BigInt(handle) << 32n) | (BigInt(operation) << 8n) | BigInt(dmaSpaces),
    0n,
    0x0020_0000_0000_0000n,
    0n,
    0n,
    0n,
  );
  s.load(2, page);
  s.op('clp', '0002');
  s.op('ipm', '0030');
}

interface Pair {
  readonly request: bigint;
  readonly offset: bigint;
}

/** A load or store: request and offset in registers 4 and 5, the value in 6. */
function access(s: Scenario, instruction: 'pcilg' | 'pcistg', { request: asked, offset }: Pair, value = 0n): void {
  s.load(4, asked);
  s.load(5, offset);
  s.load(6, value);
  s.op(instruction, '0064');
}

function addAccesses(guest: Guest): void {
  const one = (name: string, write: (s: Scenario) => void): void =>
    guest.add(name, (s) => {
      write(s);
      s.end();
    });
  for (const handle of HANDLES) {
    one(`pcilg of ${handle.toString(16)}`, (s) => access(s, 'pcilg', { request: request(handle, 15, 4), offset: 0n }));
    one(`pcistg to ${handle.toString(16)}`, (s) =>
      access(s, 'pcistg', { request: request(handle, 15, 4), offset: 0x3cn }),
    );
  }
  // The reference ends with an error where a window is not there: 2, 3 and 5.
  for (const space of [1, WINDOW, 6, 7, 14, CONFIG_SPACE, 16, 255]) {
    for (const length of [0, 1, 2, 3, 4, 8, 9]) {
      // What the legacy registers of the device hold is another matter.
      if ((space & 15) === 0 && length > 3) continue;
      const asked = request(ENABLED, space, length);
      one(`pcilg of ${length} from space ${space}`, (s) => access(s, 'pcilg', { request: asked, offset: 0n }));
      if (length > 2) continue;
      one(`pcistg of ${length} to space ${space}`, (s) => access(s, 'pcistg', { request: asked, offset: 0n }));
    }
  }
  for (const offset of [0, 1, 2, 3, 4, 6, 7, 8, 0x10, 0xff, 0x100, 0xffc, 0x1000]) {
    for (const length of [1, 2, 4, 8]) {
      for (const space of [CONFIG_SPACE, WINDOW]) {
        const pair = { request: request(ENABLED, space, length), offset: BigInt(offset) };
        one(`pcilg of ${length} at ${offset} in space ${space}`, (s) => access(s, 'pcilg', pair));
      }
    }
  }
  one('pcilg beyond a window', (s) => access(s, 'pcilg', { request: request(ENABLED, WINDOW, 4), offset: 0x10_0000n }));
  one('pcistg beyond a window', (s) =>
    access(s, 'pcistg', { request: request(ENABLED, WINDOW, 4), offset: 0x10_0000n }),
  );
  one('what is stored is loaded', (s) => {
    for (const length of [1, 2, 4]) {
      const pair = { request: request(ENABLED, CONFIG_SPACE, length), offset: 0x3cn };
      access(s, 'pcistg', pair, 0x1122_3344_5566_7788n);
      access(s, 'pcilg', pair);
      s.op('lgr', `00${(6 + length).toString(16)}6`);
    }
  });
  for (const instruction of ['pcilg', 'pcistg', 'rpcit'] as const) {
    one(`${instruction} with an odd register`, (s) => s.op(instruction, '0065'));
    one(`${instruction} in the problem state`, (s) => {
      s.open({ psw: MASK.problem });
      s.op(instruction, '0065');
    });
  }
}

/** Instructions with an operand in storage: a request in register 4, the operand at register 7, an offset in 5. */
const withOperand: Readonly<Record<string, (s: Scenario) => void>> = {
  pcistb: (s) => s.op('pcistb', '45700000'),
  mpcifc: (s) => s.op('mpcifc', '40700000'),
  stpcifc: (s) => s.op('stpcifc', '40700000'),
};

const FIB_WORDS = 10;

function operand(s: Scenario, words: readonly bigint[]): number {
  return s.data(...words);
}

function perform(s: Scenario, instruction: string, asked: bigint, at: number, offset = 0n): void {
  s.load(4, asked);
  s.load(5, offset);
  s.load(7, at);
  withOperand[instruction]?.(s);
}

/** Of MPCIFC: the fields that matter to its operation. */
interface FibFields {
  readonly format?: number;
  readonly base?: bigint;
  readonly limit?: bigint;
  readonly translation?: bigint;
  readonly interrupts?: bigint;
  readonly measurement?: bigint;
}

const FIRST_DMA = 0x1_0000_0000n;

function fib(
  s: Scenario,
  { format = 0, base = FIRST_DMA, limit = FIRST_DMA + 0xffff_ffffn, ...rest }: FibFields = {},
): number {
  const { translation = 0x50_0804n, interrupts = 0x3001_0080_0000_0000n, measurement = 0n } = rest;
  const vector = BigInt(s.data(0n));
  const summary = BigInt(s.data(0n));
  return operand(s, [
    BigInt(format) << 56n,
    0n,
    base,
    limit,
    translation,
    interrupts,
    vector,
    summary,
    measurement,
    0n,
  ]);
}

function addControls(guest: Guest): void {
  const one = (name: string, write: (s: Scenario) => void): void =>
    guest.add(name, (s) => {
      write(s);
      s.end();
    });
  for (const instruction of Object.keys(withOperand)) {
    const asked = (handle: number): bigint => request(handle, 0, instruction === 'pcistb' ? 16 : 2);
    for (const handle of HANDLES.slice(1)) {
      one(`${instruction} of ${handle.toString(16)}`, (s) =>
        perform(s, instruction, asked(handle), operand(s, Array(FIB_WORDS).fill(0n))),
      );
    }
    one(`${instruction} of an operand that is not aligned`, (s) =>
      perform(s, instruction, asked(ENABLED), operand(s, Array(FIB_WORDS + 1).fill(0n)) + 4),
    );
    one(`${instruction} of an operand that is nowhere`, (s) => perform(s, instruction, asked(ENABLED), 0x7000_0000));
    one(`${instruction} of a function that is none, with an operand that is nowhere`, (s) =>
      perform(s, instruction, asked(NONE), 0x7000_0000),
    );
    one(`${instruction} in the problem state`, (s) => {
      s.open({ psw: MASK.problem });
      withOperand[instruction]?.(s);
    });
  }
  for (const length of [0, 7, 8, 12, 15, 16, 24, 128, 136, 255]) {
    one(`pcistb of ${length}`, (s) =>
      perform(s, 'pcistb', request(ENABLED, WINDOW, length), operand(s, Array(32).fill(0x55n))),
    );
  }
  for (const space of [0, 1, 6, 14, 15, 16, 255]) {
    one(`pcistb to space ${space}`, (s) => perform(s, 'pcistb', request(ENABLED, space, 16), operand(s, [1n, 2n])));
  }
  for (const offset of [4n, 0xff8n, 0xff0n, 0x3ff8n, 0x4000n, 0x10_0000n]) {
    one(`pcistb at ${offset.toString(16)}`, (s) =>
      perform(s, 'pcistb', request(ENABLED, WINDOW, 16), operand(s, [1n, 2n]), offset),
    );
  }
  const state = (s: Scenario): void =>
    perform(s, 'stpcifc', request(ENABLED, 0, 0), operand(s, Array(FIB_WORDS).fill(-1n)));
  one('stpcifc', state);
  const modify = (s: Scenario, operation: number, fields: FibFields = {}, space = 0): void =>
    perform(s, 'mpcifc', request(ENABLED, space, operation), fib(s, fields));
  for (let operation = 0; operation <= 16; operation++) {
    one(`mpcifc ${operation}`, (s) => modify(s, operation));
    one(`mpcifc ${operation} again`, (s) => {
      modify(s, operation);
      s.op('ipm', '0080');
      state(s);
    });
    one(`mpcifc ${operation} in space 1`, (s) => modify(s, operation, {}, 1));
    one(`mpcifc ${operation} of another format`, (s) => modify(s, operation, { format: 1 }));
  }
  // Whatever is registered is taken back first.
  const fresh = (s: Scenario): void => {
    modify(s, 3);
    modify(s, 5);
  };
  for (const [name, operation, fields] of [
    ['more interrupts than there can be', 2, { interrupts: 0x3fff_0080_0000_0000n }],
    ['interrupts, offsets', 2, { interrupts: 0x7003_1f9f_0000_0000n }],
    ['a base above the limit', 4, { base: 0x2_0000_0000n, limit: 0x1_ffff_ffffn }],
    ['a base that is too low', 4, { base: 0n }],
    ['a limit that is too high', 4, { limit: 0x0200_0000_0000_0000n }],
    ['addresses that are not aligned', 4, { base: FIRST_DMA + 1n, limit: FIRST_DMA + 0x1234n }],
    ['no translation', 4, { translation: 0n }],
    ['a segment table', 4, { translation: 0x50_0800n }],
    ['a measurement block', 10, { measurement: 0x50_1003n }],
    ['no measurement block', 10, {}],
  ] as const) {
    one(`mpcifc with ${name}`, (s) => {
      fresh(s);
      modify(s, operation, fields);
      s.op('ipm', '0080');
      s.op('lgr', '0094');
      state(s);
    });
  }
  const refresh = (s: Scenario, asked: bigint, from: bigint, bytes: bigint): void => {
    s.load(4, asked);
    s.load(6, from);
    s.load(7, bytes);
    s.op('rpcit', '0046');
  };
  for (const handle of HANDLES.slice(1)) {
    one(`rpcit of ${handle.toString(16)}`, (s) => refresh(s, request(handle, 0, 0), FIRST_DMA, 0x1000n));
  }
  for (const [from, bytes] of [
    [FIRST_DMA, 0x1000n],
    [FIRST_DMA + 0x5000n, 0x2_0000n],
  ] as const) {
    one(`rpcit of ${bytes.toString(16)} from ${from.toString(16)}`, (s) => {
      fresh(s);
      modify(s, 4, { translation: translation(s) });
      s.op('ipm', '0080');
      s.op('lgr', '0094');
      refresh(s, request(ENABLED, 0, 0), from, bytes);
    });
  }
  addErrors(one, { state, modify, refresh, fresh });
}

type Adds = (name: string, write: (s: Scenario) => void) => void;
interface Steps {
  readonly state: (s: Scenario) => void;
  readonly modify: (s: Scenario, operation: number, fields?: FibFields) => void;
  readonly refresh: (s: Scenario, asked: bigint, from: bigint, bytes: bigint) => void;
  readonly fresh: (s: Scenario) => void;
}

/** Takes the oldest event of a function: STORE EVENT INFORMATION. */
function takeEvent(s: Scenario): void {
  const page = s.page(0x0010_000e_0000_0000n, 0x2000_0000n << 32n, ...Array<bigint>(510).fill(0n));
  s.load(2, page);
  s.op('chsc', '0020');
}

/** What has been told: events and a channel report. */
function told(s: Scenario, events: number): void {
  for (let n = 0; n <= events; n++) takeEvent(s);
  s.load(15, s.data(0n));
  s.op('stcrw', 'f000');
  s.op('ipm', '00a0');
}

/** The error state: what leads to it, what is told, what there still is in it, and the ways out. */
function addErrors(one: Adds, { state, modify, refresh, fresh }: Steps): void {
  const page = (s: Scenario, from = FIRST_DMA, bytes = 0x1000n): void =>
    refresh(s, request(ENABLED, 0, 0), from, bytes);
  const cc = (s: Scenario, register: number): void => {
    s.op('ipm', `00${register.toString(16)}0`);
    s.op('lgr', `00${(register + 1).toString(16)}4`);
  };
  one('events of what was before', (s) => told(s, 3));
  one('rpcit without a translation', (s) => {
    fresh(s);
    page(s);
    cc(s, 8);
    state(s);
    told(s, 1);
  });
  const config = request(ENABLED, CONFIG_SPACE, 4);
  for (const [name, write] of Object.entries({
    pcilg: (s: Scenario) => access(s, 'pcilg', { request: config, offset: 0n }),
    pcistg: (s: Scenario) => access(s, 'pcistg', { request: config, offset: 0x3cn }),
    'pcilg of a space that is none': (s: Scenario) =>
      access(s, 'pcilg', { request: request(ENABLED, 9, 4), offset: 0n }),
    pcistb: (s: Scenario) => perform(s, 'pcistb', request(ENABLED, WINDOW, 16), operand(s, [1n, 2n])),
    rpcit: (s: Scenario) => page(s),
    stpcifc: state,
    'mpcifc 2': (s: Scenario) => modify(s, 2),
    'mpcifc 3': (s: Scenario) => modify(s, 3),
    'mpcifc 4': (s: Scenario) => modify(s, 4),
    'mpcifc 5': (s: Scenario) => modify(s, 5),
    'mpcifc 10': (s: Scenario) => modify(s, 10),
    'mpcifc 9': (s: Scenario) => modify(s, 9),
    'pcilg, unblocked': (s: Scenario) => access(s, 'pcilg', { request: config, offset: 0n }),
    'stpcifc, unblocked': state,
    'mpcifc 9 again': (s: Scenario) => modify(s, 9),
    'rpcit, unblocked': (s: Scenario) => page(s),
    'mpcifc 7': (s: Scenario) => modify(s, 7),
    'mpcifc 7 again': (s: Scenario) => modify(s, 7),
    'stpcifc at the end': state,
    events: (s: Scenario) => told(s, 2),
  })) {
    one(`in the error state: ${name}`, write);
  }
  /** Tables of which one entry is not as it should be. */
  const whole = (segments: bigint): bigint => segments | 0x7n;
  const same = (pages: bigint): bigint => pages;
  for (const [name, regionEntry, segmentEntry] of [
    ['a region entry of zero', () => 0n, same],
    ['a region entry that is invalid', () => 0x20n, same],
    ['a region entry of another length', (segments: bigint) => segments | 0x5n, same],
    ['a region entry of an offset', (segments: bigint) => segments | 0x47n, same],
    ['a region entry of another type', (segments: bigint) => segments | 0xbn, same],
    ['a segment entry of zero', whole, () => 0n],
    ['a segment entry that is invalid', whole, () => 0x20n],
    ['a segment entry of another type', whole, (pages: bigint) => pages | 0x4n],
  ] as const) {
    one(`rpcit with ${name}`, (s) => {
      fresh(s);
      const pages = BigInt(s.page(...Array.from({ length: 256 }, (_, n) => BigInt(n + 1) << 12n)));
      const region = regionEntry(table(s, segmentEntry(pages)));
      modify(s, 4, { translation: table(s, 0x20n, 0x20n, region) | 0x804n });
      page(s);
      cc(s, 8);
      modify(s, 7);
      told(s, 1);
    });
  }
  one('rpcit with a page entry of zero, behind two others', (s) => {
    fresh(s);
    const pages = BigInt(s.page(0x1000n, 0x2000n, ...Array<bigint>(254).fill(0n)));
    modify(s, 4, { translation: table(s, 0x20n, 0x20n, table(s, pages) | 0x7n) | 0x804n });
    page(s, FIRST_DMA, 0x2000n);
    cc(s, 8);
    page(s, FIRST_DMA, 0x4000n);
    modify(s, 7);
    told(s, 1);
  });
  one('rpcit of what is out of range', (s) => {
    fresh(s);
    modify(s, 4, { translation: translation(s) });
    page(s, 0x1_0000n);
    cc(s, 8);
    modify(s, 7);
    page(s, FIRST_DMA + 0x10_0000_0000n);
    told(s, 2);
  });
  one('an error ends when the function is disabled', (s) => {
    setFunction(s, ENABLED, 1);
    setFunction(s, DISABLED, 0);
    state(s);
    modify(s, 7);
  });
}

/** A table of 2048 entries at least; those that are not given are invalid. */
function table(s: Scenario, ...entries: readonly bigint[]): bigint {
  return BigInt(s.page(...entries, ...Array<bigint>(2048 - entries.length).fill(0x20n)));
}

/** Designation of a region table: it has the pages of the first segment at FIRST_DMA. */
function translation(s: Scenario): bigint {
  const pages = BigInt(s.page(...Array.from({ length: 256 }, (_, n) => BigInt(n + 1) << 12n)));
  return table(s, 0x20n, 0x20n, table(s, pages) | 0x7n) | 0x804n;
}

/** SET INTERRUPTION CONTROLS: modes, a subclass, bits that are none of either, and a format in the displacement. */
function addSuppression(guest: Guest): void {
  const suppress = (s: Scenario, mode: bigint, subclass: bigint, displacement = '000'): void => {
    s.load(4, mode);
    s.load(6, subclass);
    s.op('sic', `460${displacement}00`);
  };
  for (const mode of [0n, 1n, 2n, 3n, 0xffffn, 0x1_0000n, 0x1_0001n]) {
    for (const subclass of [0n, 3n << 27n, 7n << 27n, (1n << 63n) | 0x47ff_ffffn]) {
      guest.add(`sic of mode ${mode.toString(16)} for ${subclass.toString(16)}`, (s) => {
        suppress(s, mode, subclass);
        s.end();
      });
    }
  }
  for (const displacement of ['001', '002', '040']) {
    guest.add(`sic with a displacement of ${displacement}`, (s) => {
      suppress(s, 0n, 0n, displacement);
      s.end();
    });
  }
  guest.add('sic in the problem state', (s) => {
    s.open({ psw: MASK.problem });
    suppress(s, 0n, 0n);
    s.end();
  });
}

/** The scenarios. */
export function pci(): Guest {
  const guest = new Guest();
  guest.add('an enabled function', (s) => {
    setFunction(s, DISABLED, 0);
    s.end();
  });
  guest.add('enabled twice', (s) => {
    setFunction(s, ENABLED, 0);
    s.end();
  });
  addAccesses(guest);
  addControls(guest);
  addSuppression(guest);
  guest.add('a disabled function', (s) => {
    setFunction(s, ENABLED, 1);
    s.end();
  });
  return guest;
}
