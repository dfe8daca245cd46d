/** Program-event recording together with interruptions of the other classes: what each stores, and which is the first. */
import { Guest, MASK, type Scenario } from './guest.ts';

/** Events of control register 9. */
const EVENT = { branch: 0x8000_0000n, fetch: 0x4000_0000n, store: 0x2000_0000n } as const;
const EXTERNAL = 0x2000n | 0x4000n;
const CHANNEL_REPORTS = 0x1000_0000n;
const ORDER = { externalCall: 2, emergencySignal: 3 } as const;

/** Watches what is between two addresses. */
function watch(s: Scenario, events: bigint, from: number, to: number): void {
  s.load(15, s.data(events, BigInt(from), BigInt(to)));
  s.op('lctlg', '9bf00000');
}

interface Watched {
  readonly events?: bigint;
  /** Bits of the PSW besides that of PER. */
  readonly psw?: bigint;
  readonly cr0?: bigint;
  readonly cr14?: bigint;
  readonly before?: (s: Scenario) => void;
  /** The instructions that are watched. */
  readonly code: (s: Scenario) => void;
}

/** Instructions on a page of their own, all of which is watched. The first program interruption ends the scenario. */
function watched(s: Scenario, { events = EVENT.fetch, psw = 0n, cr0 = 0n, cr14 = 0n, before, code }: Watched): void {
  const from = (s.here & ~0xfff) + 0x1000;
  watch(s, events, from, from + 0xfff);
  before?.(s);
  // What is watched begins with what the PSW lets in.
  s.control(14, cr14);
  s.control(0, 0x0086_0000n | cr0);
  const at = s.data(0x0000_0001_8000_0000n | MASK.per | psw, BigInt(from));
  s.load(15, at);
  s.op('lpswe', 'f000');
  s.here = from;
  code(s);
  s.end();
}

const bothExternal = (s: Scenario): void => {
  s.signal(ORDER.externalCall, 0);
  s.signal(ORDER.emergencySignal, 0);
};
const report = (s: Scenario): void => {
  s.load(1, 0);
  s.op('rchp', '0000');
};

function addFetches(guest: Guest): void {
  guest.add('a fetch', (s) => watched(s, { code: () => s.load(5, 1) }));
  guest.add('a fetch of SVC', (s) => watched(s, { code: () => s.op('svc', '42') }));
  guest.add('SVC and no event', (s) => watched(s, { events: EVENT.branch, code: () => s.op('svc', '42') }));
  guest.add('SVC by EXECUTE', (s) => {
    const target = s.data(0x0a42_0000_0000_0000n);
    watched(s, {
      before: () => s.load(4, target),
      code: () => s.op('ex', '004000'),
    });
  });
  for (const [name, mnemonic, operands] of [
    ['an operation exception', 'lpsw', undefined],
    ['a specification exception', 'lpsw', '000001'],
    ['an addressing exception', 'l', '507000'],
    ['a fixed-point divide exception', 'dr', '02'],
  ] as const) {
    guest.add(`a fetch with ${name}`, (s) =>
      watched(s, {
        before: () => s.load(7, 0x7000_0000),
        code: () => {
          if (operands === undefined) s.here += 2;
          else s.op(mnemonic, operands);
        },
      }),
    );
  }
}

function addBranches(guest: Guest): void {
  for (const [name, mask] of [
    ['taken', 15],
    ['not taken', 0],
  ] as const) {
    guest.add(`a branch that is ${name}`, (s) =>
      watched(s, {
        events: EVENT.branch,
        code: () => {
          const aim = s.branch(mask);
          s.load(5, 1);
          aim(s.here);
        },
      }),
    );
  }
  guest.add('LPSWE is no branch', (s) =>
    watched(s, {
      events: EVENT.branch,
      code: () => s.open({ psw: MASK.per }),
    }),
  );
  guest.add('LPSWE is fetched, and ends the watch', (s) => {
    const at = s.data(0x0000_0001_8000_0000n, 0n);
    watched(s, {
      before: () => s.load(3, at),
      code: () => {
        s.op('lpswe', '3000');
        s.guest.poke64(at + 8, BigInt(s.here));
      },
    });
  });
}

function addOthers(guest: Guest): void {
  guest.add('external before the first event', (s) =>
    watched(s, { psw: MASK.external, cr0: EXTERNAL, before: bothExternal, code: () => s.load(5, 1) }),
  );
  guest.add('a machine check before the first event', (s) =>
    watched(s, { psw: MASK.machineCheck, cr14: CHANNEL_REPORTS, before: report, code: () => s.load(5, 1) }),
  );
  guest.add('an event of what opens for external', (s) => {
    const zero = s.data(0n);
    watched(s, {
      cr0: EXTERNAL,
      before: () => {
        bothExternal(s);
        s.load(3, zero);
      },
      code: () => s.op('stosm', '013000'),
    });
  });
  guest.add('an event of LCTLG that opens for external', (s) => {
    const control = s.data(0x0086_0000n | EXTERNAL);
    watched(s, {
      psw: MASK.external,
      before: () => {
        bothExternal(s);
        s.load(3, control);
      },
      code: () => s.op('lctlg', '00300000'),
    });
  });
  guest.add('an event of SIGP to itself', (s) =>
    watched(s, {
      psw: MASK.external,
      cr0: EXTERNAL,
      before: () => {
        s.load(1, 0);
        s.load(2, 0);
      },
      code: () => s.op('sigp', `12000${ORDER.externalCall}`),
    }),
  );
}

function addStores(guest: Guest): void {
  const store = (name: string, code: (s: Scenario) => void): void =>
    guest.add(name, (s) => {
      const at = s.data(0n, 0n);
      watch(s, EVENT.store, at, at + 7);
      s.load(6, at);
      s.load(5, 0x1234);
      s.open({ psw: MASK.per });
      code(s);
      s.end();
    });
  store('a store', (s) => s.op('stg', '50600000'));
  store('a store beside what is watched', (s) => s.op('stg', '50600800'));
  store('a store of STOSM that opens for external', (s) => {
    s.op('stosm', '036000');
  });
  store('a store of several', (s) => s.op('stmg', '56600000'));
  store('MVC onto it', (s) => s.op('mvc', '0760000000'));
}

/** What stays pending where the event is the first: to be the last scenarios. */
function addLoads(guest: Guest): void {
  guest.add('an event of LPSWE that opens for external', (s) => {
    const at = s.data(0x0000_0001_8000_0000n | MASK.external, 0n);
    watched(s, {
      cr0: EXTERNAL,
      before: () => {
        bothExternal(s);
        s.load(3, at);
      },
      code: () => {
        s.op('lpswe', '3000');
        s.guest.poke64(at + 8, BigInt(s.here));
      },
    });
  });
  guest.add('an event of LPSWE that loads a wait, which external ends', (s) => {
    const at = s.data(0x0000_0001_8000_0000n | MASK.external | MASK.wait, 0n);
    watched(s, {
      cr0: EXTERNAL,
      before: () => {
        bothExternal(s);
        s.load(3, at);
      },
      code: () => {
        s.op('lpswe', '3000');
        s.guest.poke64(at + 8, BigInt(s.here));
      },
    });
  });
}

/** The scenarios. */
export function events(): Guest {
  const guest = new Guest();
  addFetches(guest);
  addBranches(guest);
  addOthers(guest);
  addStores(guest);
  addLoads(guest);
  return guest;
}
