// Where the words lie that the device thread and the vCPU threads of a machine share: indexes of 32-bit words from the start of a block.

/** Bytes of the machine's block. */
export const TEAM_BYTES = 65536;
/** What all vCPUs may do: one of {@link WORLD}. */
export const TEAM_WORLD = 0;
/** Counts the times that somebody may have changed the state of stopped vCPUs. */
export const TEAM_RESYNC = 1;
/** Not zero: the machine ends. */
export const TEAM_QUIT = 2;
/** Lock of the owners of code pages. */
export const TEAM_LOCK = 3;
/** Threads that wait for others to come to a safe point. */
export const TEAM_WAITERS = 4;
/** Written for the sake of the ordering that an atomic access brings. */
export const TEAM_FENCE = 5;
/** Host offset of a word for each page: which vCPUs have code from it, a bit each. */
export const TEAM_OWNERS = 6;
/** Threads that wait for {@link TEAM_LOCK}. */
export const TEAM_LOCK_WAITERS = 7;
/** Not zero: the only vCPU that may work, its index plus one. */
export const TEAM_ALONE = 8;
/** Whether virtual time goes on. */
export const TEAM_CLOCK_RUNS = 15;
/** Virtual nanoseconds when the clock was last started or stopped, and the host's milliseconds then: f64 each. */
export const TEAM_CLOCK_BASE = 16;
export const TEAM_CLOCK_STARTED = 18;
/** Breakpoints and watchpoints: version, number, then entries of {address i64, length i64, kind i32, unused i32}. */
export const TEAM_POINTS_VERSION = 20;
export const TEAM_POINTS_COUNT = 21;
export const TEAM_POINTS = 64;
export const TEAM_POINT_WORDS = 6;
export const TEAM_POINTS_MOST = 1024;

/** Bytes of a vCPU's block. */
export const VCPU_BYTES = 65536;
/** Where the vCPU's thread is: one of {@link AT}. */
export const VCPU_AT = 0;
/** Not zero: the thread must look into its ring, or at the world. */
export const VCPU_ATTENTION = 1;
/** Messages put into the ring so far, and those dealt with. */
export const VCPU_ASKED = 2;
export const VCPU_DONE = 3;
/** Changed and notified to end a wait for interrupts. */
export const VCPU_WAKE = 4;
/** Lock, number of entries, and whether entries were lost, of the ring. */
export const VCPU_RING_LOCK = 5;
export const VCPU_RING_COUNT = 6;
export const VCPU_RING_LOST = 7;
/** Changed and notified when the thread has come to a safe point while somebody waits. */
export const VCPU_PROGRESS = 8;
/** How the vCPU goes on when it goes on: 0 as ever, 1 one instruction, 2 one instruction without interrupts, 3 not at all. */
export const VCPU_GO = 9;
/** Times that somebody asked the thread to forget its translations of addresses, and those that it has done so for. */
export const VCPU_FLUSH_ASKED = 10;
export const VCPU_FLUSH_DONE = 11;
/** Not zero: somebody has changed the vCPU's state, or the time, while it stood at its boundary. */
export const VCPU_RESYNC = 12;
/** A call of the device thread: {@link CALL_NONE}, asked, answered; what is asked; its arguments and its result. */
export const VCPU_CALL = 16;
export const VCPU_CALL_KIND = 17;
export const VCPU_CALL_PA_LO = 18;
export const VCPU_CALL_PA_HI = 19;
export const VCPU_CALL_SIZE = 20;
export const VCPU_CALL_ATTRS = 21;
export const VCPU_CALL_LO = 22;
export const VCPU_CALL_HI = 23;
export const VCPU_CALL_RESULT = 24;
export const VCPU_CALL_EXTRA = 25;
/** Instructions executed, for measuring: f64. */
export const VCPU_RATE = 30;
/** Instructions from one sample of a profile to the next, 0 for no profile: f64. Looked at when the vCPU goes on. */
export const VCPU_SAMPLE_EVERY = 32;
/** Words that the architecture has to itself. */
export const VCPU_OWN = 64;
export const VCPU_OWN_WORDS = 64;
/** Text that the thread describes its translator with: length in bytes, then UTF-8. */
export const VCPU_TEXT = 256;
export const VCPU_TEXT_BYTES = 8192;
/** Entries of the ring: {number of a page, kind}. */
export const VCPU_RING = 4096;
export const VCPU_RING_WORDS = 2;
export const VCPU_RING_MOST = 2048;

/** What all vCPUs may do. */
export const WORLD = {
  run: 0,
  /** Nobody leaves a safe point: what code relies on is being changed. */
  frozen: 1,
  /** Everybody goes on to the next instruction's end and stays there. */
  stopped: 2,
} as const;

/** Where a vCPU's thread is. */
export const AT = {
  /** It may use any memory, its TLB and its translations. */
  work: 0,
  /** It waits within an instruction: for a device, for a lock. It uses nothing. */
  inner: 1,
  /** It waits between two instructions, its state complete. */
  boundary: 2,
  /** It waits within an instruction that has made all its accesses, and forgets what it was asked to before it goes on. */
  accessed: 3,
} as const;

/** Kinds of watchpoints, by their numbers less one in {@link TEAM_POINTS}; 0 there is a breakpoint. */
export const WATCH_KINDS = ['read', 'write', 'access'] as const;

/** How a vCPU goes on: values of {@link VCPU_GO}. */
export const GO = { run: 0, step: 1, stepNoIrq: 2, hold: 3 } as const;

/** Kinds of messages in a ring. */
export const TELL = {
  /** Stores to pages must be slow from now on. */
  protect: 1,
  /** Blocks of pages are no longer good. */
  drop: 2,
  /** What lies at physical addresses has changed. */
  map: 3,
} as const;

export const CALL_NONE = 0;
export const CALL_ASKED = 1;
export const CALL_ANSWERED = 2;

/** What a vCPU's thread can ask of the device thread. */
export const CALL = {
  load: 1,
  store: 2,
  probe: 3,
  /** A breakpoint, a watchpoint or the end of a step. */
  debugStop: 4,
  /** A line for the log: its text is in the block's text. */
  log: 5,
  /** Something that the architecture defines, by the number in `size`. */
  service: 6,
  /** A profile looks at the vCPU. */
  sample: 7,
} as const;
