/** Devices that come and go while the program runs: the channel reports of it, and what is left of their subchannels. */
import { Guest, MASK, type Scenario, USER } from './guest.ts';
import type { UserStep } from './run.ts';

export const HOT_PLUG_DEVICES: readonly string[] = ['virtio-rng-ccw,id=first,devno=fe.0.1234'];

/** What the user has done so far, and the numbers of it. */
const steps: UserStep[] = [];
export const HOT_PLUG_STEPS: readonly UserStep[] = steps;
const step = (what: UserStep): number => steps.push(what);

const comes = (id: string, place: string): number => step({ plug: `virtio-rng-ccw,id=${id},devno=fe.${place}` });
const goes = (id: string): number => step({ unplug: id });

/** Subchannels, the first of which is that of the device which is there from the start. */
const subchannel = (number: number, set = 0): number => 0x1_0000 | (set << 17) | number;

const CHANNEL_REPORTS = 0x1000_0000n;
const ALL_CLASSES = 0xff00_0000n;
const WINDOW = { psw: MASK.machineCheck, cr14: CHANNEL_REPORTS } as const;

/** Reads reports, with their condition codes: so many, and one that says that there are none. */
function read(s: Scenario, reports: number): void {
  for (let n = 0; n <= reports; n++) {
    s.load(15, s.data(0n));
    s.op('stcrw', 'f000');
    s.op('ipm', `00${(4 + n).toString(16)}0`);
  }
}

/** A subchannel's block, where there is one. */
function look(s: Scenario, which: number, cc: number): number {
  const schib = s.data(0n, 0n, 0n, 0n, 0n, 0n, 0n);
  s.load(1, which);
  s.load(15, schib);
  s.op('stsch', 'f000');
  s.op('ipm', `00${cc.toString(16)}0`);
  return schib;
}

/** Enables a subchannel, whose device's number is in its block. */
function enable(s: Scenario, which: number): void {
  const schib = look(s, which, 12);
  s.load(15, s.data((0x2222n << 32n) | (3n << 27n) | (1n << 23n) | (1n << 16n)));
  s.load(14, schib);
  s.op('mvc', '05e000f000');
  s.load(15, schib);
  s.op('msch', 'f000');
  s.op('ipm', '00c0');
  // The reference does not say which path was used last.
  s.op('mvi', '00e00a');
  s.load(14, 0);
}

/** Starts an operation that does nothing, which leaves status. */
function start(s: Scenario, which: number, cc: number): void {
  const program = s.data(0x0300_0000n << 32n);
  s.load(1, which);
  s.load(15, s.data(0x1234_5678_0080_ff00n, BigInt(program) << 32n, 0n, 0n));
  s.op('ssch', 'f000');
  s.op('ipm', `00${cc.toString(16)}0`);
}

/** SET DOMAIN ATTRIBUTE: from here on there are several subchannel sets, or several channel subsystems. */
function enableFacility(s: Scenario, code: number): void {
  const page = s.page(0x0400_0031_0000_0000n | BigInt(code), ...Array<bigint>(511).fill(0n));
  s.load(2, page);
  s.op('chsc', '0020');
  s.op('ipm', '0030');
}
const SUBCHANNEL_SETS = 2;
const CHANNEL_SUBSYSTEMS = 0;

function addOneSet(guest: Guest): void {
  guest.add('a device comes', (s) => {
    s.askUser(comes('a', '0.0001'));
    s.open(WINDOW);
    read(s, 1);
    look(s, subchannel(1), 10);
    s.end();
  });
  guest.add('and goes', (s) => {
    s.askUser(goes('a'));
    s.open(WINDOW);
    read(s, 1);
    look(s, subchannel(1), 10);
    s.end();
  });
  guest.add('a wait is ended by a device that comes', (s) => {
    const next = comes('b', '0.0002');
    s.load(15, next);
    s.long('stg', 'f0', USER.asked);
    s.load(15, 0);
    s.open({ ...WINDOW, psw: WINDOW.psw | MASK.wait });
    read(s, 1);
    look(s, subchannel(1), 10);
    s.end();
  });
  guest.add('two come, without the subclass, then with it', (s) => {
    s.open({ psw: MASK.machineCheck, cr14: 0n });
    s.askUser(comes('c', '0.0003'));
    s.askUser(comes('d', '0.0004'));
    s.control(14, CHANNEL_REPORTS);
    read(s, 2);
    look(s, subchannel(2), 10);
    look(s, subchannel(3), 11);
    s.end();
  });
  guest.add("one goes, and its place is the next one's", (s) => {
    s.askUser(goes('c'));
    look(s, subchannel(2), 11);
    s.askUser(comes('e', '0.0005'));
    s.open(WINDOW);
    read(s, 2);
    look(s, subchannel(2), 10);
    s.end();
  });
  guest.add('reports read before', (s) => {
    s.askUser(goes('e'));
    read(s, 1);
    s.open(WINDOW);
    s.end();
  });
  guest.add('one report is told, one comes before it is read', (s) => {
    s.askUser(goes('d'));
    s.open(WINDOW);
    s.askUser(comes('d', '0.0004'));
    read(s, 2);
    s.askUser(goes('d'));
    s.end();
  });
  guest.add('reports that are left', (s) => {
    read(s, 1);
    s.open(WINDOW);
    s.end();
  });
}

function addStatus(guest: Guest): void {
  guest.add('instructions for what is gone', (s) => {
    for (const [n, instruction] of ['csch', 'hsch', 'rsch', 'xsch'].entries()) {
      s.load(1, subchannel(2));
      s.op(instruction, '0000');
      s.op('ipm', `00${(4 + n).toString(16)}0`);
    }
    start(s, subchannel(2), 8);
    s.load(15, s.data(...Array<bigint>(12).fill(0n)));
    s.op('tsch', 'f000');
    s.op('ipm', '0090');
    s.op('msch', 'f000');
    s.op('ipm', '00a0');
    s.end();
  });
  guest.add('one with status goes', (s) => {
    enable(s, subchannel(1));
    start(s, subchannel(1), 4);
    s.askUser(goes('b'));
    s.open({ psw: MASK.io | MASK.machineCheck, cr6: ALL_CLASSES, cr14: CHANNEL_REPORTS });
    s.load(1, subchannel(1));
    s.load(15, s.data(...Array<bigint>(8).fill(0n)));
    s.op('tsch', 'f000');
    s.op('ipm', '0080');
    read(s, 1);
    s.end();
  });
  guest.add('one with status goes after another came', (s) => {
    s.askUser(comes('b', '0.0002'));
    read(s, 1);
    enable(s, subchannel(1));
    start(s, subchannel(1), 4);
    enable(s, subchannel(0));
    start(s, subchannel(0), 5);
    s.askUser(goes('b'));
    s.open({ psw: MASK.io | MASK.machineCheck, cr6: ALL_CLASSES, cr14: CHANNEL_REPORTS });
    s.open({});
    s.load(1, subchannel(0));
    s.load(15, s.data(...Array<bigint>(8).fill(0n)));
    s.op('tsch', 'f000');
    s.op('ipm', '0080');
    read(s, 1);
    s.end();
  });
}

function addMany(guest: Guest): void {
  guest.add('more reports than are kept', (s) => {
    // The reference keeps as many as it has room for.
    for (let n = 0; n < 9; n++) {
      s.askUser(comes('f', '0.0006'));
      s.askUser(goes('f'));
    }
    s.open(WINDOW);
    const at = s.here;
    s.load(15, s.data(0n));
    s.op('stcrw', 'f000');
    s.op('la', '404001');
    s.branch(8, at);
    s.end();
  });
}

function addSets(guest: Guest): void {
  guest.add('one in a set that is not enabled', (s) => {
    s.askUser(comes('g', '1.0001'));
    s.open(WINDOW);
    read(s, 1);
    look(s, subchannel(0, 1), 10);
    s.end();
  });
  guest.add('and it goes', (s) => {
    s.askUser(goes('g'));
    s.open(WINDOW);
    read(s, 1);
    s.end();
  });
  guest.add('sets are enabled: one comes and goes in the first', (s) => {
    enableFacility(s, SUBCHANNEL_SETS);
    s.askUser(comes('h', '0.0007'));
    s.askUser(goes('h'));
    s.open(WINDOW);
    read(s, 4);
    s.end();
  });
  guest.add('one comes and goes in the third, which is empty then', (s) => {
    s.askUser(comes('i', '2.0008'));
    s.open(WINDOW);
    read(s, 2);
    look(s, subchannel(0, 2), 10);
    s.open({});
    s.askUser(goes('i'));
    read(s, 2);
    look(s, subchannel(0, 2), 11);
    s.end();
  });
  guest.add('several channel subsystems: one comes and goes', (s) => {
    enableFacility(s, CHANNEL_SUBSYSTEMS);
    s.askUser(comes('j', '1.0009'));
    s.askUser(goes('j'));
    s.open(WINDOW);
    read(s, 4);
    s.end();
  });
}

/** The scenarios. */
export function hotPlug(): Guest {
  steps.length = 0;
  const guest = new Guest();
  addOneSet(guest);
  addStatus(guest);
  addMany(guest);
  addSets(guest);
  return guest;
}
