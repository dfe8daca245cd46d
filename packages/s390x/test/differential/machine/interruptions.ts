/** External interruptions, restart and machine checks: what is stored, when they are taken, and in which order. */
import { SUPERVISOR } from '../program.ts';
import { CONTROL_0, Guest, MASK, OTHER_PREFIX, type Scenario } from './guest.ts';

/** Subclasses of external interruptions in control register 0. */
const SUBCLASS = {
  emergency: 0x4000n,
  externalCall: 0x2000n,
  clockComparator: 0x800n,
  cpuTimer: 0x400n,
  serviceSignal: 0x200n,
} as const;
const ALL_EXTERNAL = Object.values(SUBCLASS).reduce((all: bigint, one) => all | one, 0n);
const CHANNEL_REPORTS = 0x1000_0000n;
const ALL_IO = 0xff00_0000n;

const ORDER = {
  sense: 1,
  externalCall: 2,
  emergencySignal: 3,
  start: 4,
  stop: 5,
  restart: 6,
  initialCpuReset: 0xb,
  cpuReset: 0xc,
  setPrefix: 0xd,
} as const;
/** Time in which whatever has been set off is pending, in microseconds. */
const A_WHILE = 50_000;
const WAIT_EXTERNAL = MASK.external | MASK.wait;

const READ_SCP_INFO = 0x0002_0001;

/** Sets the clock comparator to the present, or the CPU timer to all but zero. */
function setOff(s: Scenario, clock: 'sckc' | 'spt'): void {
  s.load(15, s.data(1n));
  if (clock === 'sckc') s.op('stck', 'f000');
  s.op(clock, 'f000');
  s.op('mvghi', 'f0000000');
}

/** A request to the service processor, which answers with a service signal. */
function callService(s: Scenario): void {
  const block = s.data(0x0030_0000_0000_0000n, 0n, 0n, 0n, 0n, 0n);
  s.load(1, READ_SCP_INFO);
  s.load(2, block);
  s.op('servc', '0012');
  s.op('mvghi', '20100000');
}

const set = (s: Scenario, register: number, value: number): void => s.load(register, value);

/** Everything external at once. */
function everything(s: Scenario): void {
  s.signal(ORDER.externalCall, 0);
  callService(s);
  setOff(s, 'spt');
  setOff(s, 'sckc');
  s.signal(ORDER.emergencySignal, 0);
  s.spin(A_WHILE);
}

/** What the other CPU runs: signals of its own to the first one, `delay` microseconds before each, then it stops. */
function otherCpu(s: Scenario, orders: readonly number[], delay = 0): number {
  const aim = s.branch(15);
  const at = s.here;
  for (const order of orders) {
    if (delay > 0) s.spin(delay);
    s.signal(order, 0);
  }
  s.signal(ORDER.stop, 1);
  s.branch(15, s.here);
  aim(s.here);
  return at;
}

/** Starts the other CPU at an address, by a restart, whose new PSW is then the supervisor's again. */
function startOther(s: Scenario, at: number): void {
  s.load(15, s.data(SUPERVISOR, BigInt(at)));
  s.op('mvc', '0f01a0f000');
  s.signal(ORDER.restart, 1);
  s.load(15, OTHER_PREFIX);
  s.op('mvc', '0f01a0f1a0');
  // Where it had stopped is nothing to compare.
  s.op('xc', '0f01200120');
}

/** Waits until the other CPU has stopped. */
function untilStopped(s: Scenario): void {
  const loop = s.here;
  s.signal(ORDER.sense, 1);
  s.branch(8, loop);
  for (const n of [1, 2]) s.load(n, 0);
}

function addExternal(guest: Guest): void {
  for (const [name, order] of [
    ['external call', ORDER.externalCall],
    ['emergency signal', ORDER.emergencySignal],
  ] as const) {
    guest.add(`${name} to itself`, (s) => {
      s.signal(order, 0);
      s.open({ psw: MASK.external, cr0: ALL_EXTERNAL });
      s.end();
    });
    guest.add(`${name} twice`, (s) => {
      s.signal(order, 0);
      s.signal(order, 0);
      s.op('ipm', '0050');
      s.open({ psw: MASK.external, cr0: ALL_EXTERNAL });
      s.end();
    });
    guest.add(`${name} without its subclass, then with it`, (s) => {
      s.signal(order, 0);
      s.open({ psw: MASK.external, cr0: SUBCLASS.serviceSignal });
      set(s, 5, 1);
      s.control(0, CONTROL_0 | ALL_EXTERNAL);
      set(s, 5, 2);
      s.end();
    });
    guest.add(`${name} in another prefix area`, (s) => {
      s.load(15, s.data(BigInt(OTHER_PREFIX) << 32n));
      s.op('spx', 'f000');
      s.signal(order, 0);
      s.open({ psw: MASK.external, cr0: ALL_EXTERNAL });
      s.end();
    });
    guest.add(`${name} from the other CPU`, (s) => {
      startOther(s, otherCpu(s, [order]));
      s.load(2, 0);
      s.load(1, 0);
      s.open({ psw: WAIT_EXTERNAL, cr0: ALL_EXTERNAL });
      untilStopped(s);
      s.end();
    });
  }
  for (const [clock, subclass] of [
    ['sckc', SUBCLASS.clockComparator],
    ['spt', SUBCLASS.cpuTimer],
  ] as const) {
    guest.add(`${clock} while waiting`, (s) => {
      setOff(s, clock);
      s.open({ psw: WAIT_EXTERNAL, cr0: subclass });
      set(s, 5, 1);
      s.end();
    });
    guest.add(`${clock} enabled by STOSM`, (s) => {
      s.open({ cr0: subclass });
      setOff(s, clock);
      s.spin(A_WHILE);
      s.load(15, s.data(0n));
      s.op('stosm', '03f000');
      set(s, 5, 1);
      s.end();
    });
    guest.add(`${clock} enabled by LCTLG`, (s) => {
      s.open({ psw: MASK.external });
      setOff(s, clock);
      s.spin(A_WHILE);
      s.control(0, CONTROL_0 | subclass);
      set(s, 5, 1);
      s.end();
    });
    guest.add(`${clock} taken back`, (s) => {
      setOff(s, clock);
      s.spin(A_WHILE);
      s.load(15, s.data(clock === 'sckc' ? -1n : 0n, (1n << 63n) - 1n));
      s.op(clock, clock === 'sckc' ? 'f000' : 'f008');
      s.spin(A_WHILE);
      s.open({ psw: MASK.external, cr0: ALL_EXTERNAL });
      set(s, 5, 1);
      s.end();
    });
  }
  guest.add('service signal', (s) => {
    callService(s);
    s.open({ psw: MASK.external, cr0: SUBCLASS.serviceSignal });
    set(s, 5, 1);
    s.end();
  });
  guest.add('two service signals are one', (s) => {
    callService(s);
    callService(s);
    s.op('ipm', '0050');
    s.open({ psw: MASK.external, cr0: SUBCLASS.serviceSignal });
    s.end();
  });
  guest.add('all of them at once', (s) => {
    everything(s);
    s.open({ psw: MASK.external, cr0: ALL_EXTERNAL });
    set(s, 5, 1);
    s.end();
  });
  guest.add('all of them, subclass by subclass', (s) => {
    everything(s);
    s.open({ psw: MASK.external });
    for (const [n, subclass] of Object.values(SUBCLASS).entries()) {
      s.control(0, CONTROL_0 | subclass);
      set(s, 5, n);
    }
    s.end();
  });
  guest.add('all of them, ending a wait', (s) => {
    everything(s);
    s.open({ psw: WAIT_EXTERNAL, cr0: ALL_EXTERNAL });
    set(s, 5, 1);
    s.end();
  });
  guest.add('in the problem state', (s) => {
    s.signal(ORDER.emergencySignal, 0);
    s.open({ psw: MASK.external | MASK.problem, cr0: ALL_EXTERNAL });
    s.end();
  });
  guest.add('before a program interruption', (s) => {
    s.signal(ORDER.emergencySignal, 0);
    s.open({ psw: MASK.external, cr0: ALL_EXTERNAL });
    s.op('lpsw', '000001');
  });
  guest.add('set by SSM and STNSM, and no more', (s) => {
    s.open({ psw: MASK.external, cr0: ALL_EXTERNAL });
    s.load(15, s.data(0n));
    s.op('stnsm', 'fcf000');
    s.signal(ORDER.emergencySignal, 0);
    set(s, 5, 1);
    s.load(15, s.data(0x0100_0000_0000_0000n));
    s.op('ssm', '00f000');
    set(s, 5, 2);
    s.end();
  });
}

function addRestart(guest: Guest): void {
  guest.add('restart by the CPU itself', (s) => {
    s.load(1, 0);
    s.load(2, 0);
    // At the end of a page: the reference looks for interruptions there, and not before the next branch else.
    const over = s.branch(15);
    s.here = (s.here & ~0xfff) + 0xffc;
    over(s.here);
    s.op('sigp', `12000${ORDER.restart}`);
    set(s, 5, 1);
    s.end();
  });
  guest.add('restart by the other CPU', (s) => {
    // Nothing can hold a restart off until there is a wait to end.
    startOther(s, otherCpu(s, [ORDER.restart], A_WHILE));
    s.load(1, 0);
    s.load(2, 0);
    s.open({ psw: WAIT_EXTERNAL });
    untilStopped(s);
    s.end();
  });
}

/** Orders that come while the other CPU has not done with the one before. */
function addOrders(guest: Guest): void {
  guest.add('restart, right behind an order to stop', (s) => {
    // The first code never ends; the second one signals, and stops.
    const aim = s.branch(15);
    const forever = s.here;
    s.branch(15, s.here);
    aim(s.here);
    const second = otherCpu(s, [ORDER.externalCall]);
    startOther(s, forever);
    s.signal(ORDER.stop, 1);
    startOther(s, second);
    s.load(1, 0);
    s.load(2, 0);
    s.open({ psw: WAIT_EXTERNAL, cr0: ALL_EXTERNAL });
    untilStopped(s);
    s.end();
  });
  guest.add('start, right behind an order to stop', (s) => {
    const word = s.data(0n);
    const aim = s.branch(15);
    const counting = s.here;
    s.load(3, word);
    s.op('agsi', '01300000');
    s.branch(15, s.here - 6);
    aim(s.here);
    startOther(s, counting);
    s.signal(ORDER.stop, 1);
    s.signal(ORDER.start, 1);
    s.op('ipm', '0050');
    // It runs: what it counts changes.
    s.load(3, word);
    s.op('lg', '40300000');
    const wait = s.here;
    s.op('lg', '60300000');
    s.op('cgr', '0046');
    s.branch(8, wait);
    s.signal(ORDER.stop, 1);
    untilStopped(s);
    s.op('mvghi', '30000000');
    for (const n of [4, 6]) s.load(n, 0);
    s.end();
  });
  for (const [name, order] of [
    ['a CPU reset', ORDER.cpuReset],
    ['an initial CPU reset', ORDER.initialCpuReset],
  ] as const) {
    guest.add(`${name}, right behind an order to stop`, (s) => {
      const aim = s.branch(15);
      const forever = s.here;
      s.branch(15, s.here);
      aim(s.here);
      startOther(s, forever);
      s.signal(ORDER.stop, 1);
      s.signal(order, 1);
      untilStopped(s);
      startOther(s, otherCpu(s, [ORDER.externalCall]));
      s.load(1, 0);
      s.load(2, 0);
      s.open({ psw: WAIT_EXTERNAL, cr0: ALL_EXTERNAL });
      untilStopped(s);
      s.end();
    });
  }
}

function addMachineChecks(guest: Guest): void {
  const resetPath = (s: Scenario): void => {
    s.load(1, 0);
    s.op('rchp', '0000');
  };
  /** Reads so many reports, which leaves none. */
  const read = (s: Scenario, reports: number): void => {
    for (let n = 0; n <= reports; n++) {
      s.load(15, s.data(0n));
      s.op('stcrw', 'f000');
      s.op('ipm', `00${6 + n}0`);
    }
  };
  guest.add('channel report', (s) => {
    resetPath(s);
    s.op('ipm', '0050');
    s.open({ psw: MASK.machineCheck, cr14: CHANNEL_REPORTS });
    read(s, 1);
    s.end();
  });
  guest.add('channel report, twice', (s) => {
    resetPath(s);
    resetPath(s);
    s.open({ psw: MASK.machineCheck, cr14: CHANNEL_REPORTS });
    read(s, 2);
    s.end();
  });
  guest.add('channel report without its subclass, then with it', (s) => {
    resetPath(s);
    s.open({ psw: MASK.machineCheck, cr14: 0n });
    set(s, 5, 1);
    s.control(14, CHANNEL_REPORTS);
    set(s, 5, 2);
    read(s, 1);
    s.end();
  });
  guest.add('channel report read before', (s) => {
    resetPath(s);
    read(s, 1);
    s.open({ psw: MASK.machineCheck, cr14: CHANNEL_REPORTS });
    s.end();
  });
  guest.add('channel report, while another has not been read', (s) => {
    const window = { psw: MASK.machineCheck, cr14: CHANNEL_REPORTS };
    for (const reports of [0, 2, 1]) {
      resetPath(s);
      s.open(window);
      s.open({});
      if (reports > 0) read(s, reports);
    }
    s.end();
  });
  guest.add('channel report, registers saved in another prefix area', (s) => {
    s.load(15, s.data(BigInt(OTHER_PREFIX) << 32n));
    s.op('spx', 'f000');
    resetPath(s);
    for (let n = 3; n < 13; n++) s.load(n, n * 0x1111);
    s.open({ psw: MASK.machineCheck | MASK.wait, cr14: CHANNEL_REPORTS });
    read(s, 1);
    s.end();
  });
  guest.add('machine check with everything external', (s) => {
    everything(s);
    resetPath(s);
    s.open({ psw: MASK.machineCheck | MASK.external, cr0: ALL_EXTERNAL, cr6: ALL_IO, cr14: CHANNEL_REPORTS });
    read(s, 1);
    s.end();
  });
}

/** The scenarios. */
export function interruptions(): Guest {
  const guest = new Guest();
  addExternal(guest);
  addRestart(guest);
  addOrders(guest);
  addMachineChecks(guest);
  return guest;
}
