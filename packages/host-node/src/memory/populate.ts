// Makes all pages of a mapping be there before it is used: the range in slices, which several threads take one after another.

import { EINTR, type LinuxCalls, LinuxError } from './linux-calls.ts';

/** The least that is worth a slice of its own. */
const SLICE_BYTES = 32 * 2 ** 20;

/** Words of the memory that the threads share. */
const NEXT = 0;
const FINISHED = 1;
const ERRNO = 2;
const READY = 3;
const GO = 4;
const WORDS = 5;

/** A helper that says that it is ready when this has been added is too late: the others have begun. */
const BEGUN = 2 ** 20;
/** How long helpers may take to start, in ms: then the work is done without those that have not. */
const PATIENCE_MS = 2000;

/**
 * The helper thread's program. It is given as text because a bundle has no file for it. Its first slice is its own, the others it claims
 * as {@link workThrough} does.
 */
const HELPER = `
const { workerData: job } = require('node:worker_threads');
const koffi = require(job.module);
const madvise = koffi.load(null).func('int madvise(int64_t at, uint64_t bytes, int advice)');
const state = new Int32Array(job.state);
const number = Atomics.add(state, ${READY}, 1);
Atomics.notify(state, ${READY});
Atomics.wait(state, ${GO}, 0);
for (let slice = number; number < ${BEGUN} && slice < job.slices; slice = Atomics.add(state, ${NEXT}, 1)) {
  const from = slice * job.slice;
  const bytes = Math.min(job.slice, job.bytes - from);
  while (Atomics.load(state, ${ERRNO}) === 0 && madvise(job.at + from, bytes, job.advice) !== 0) {
    const errno = koffi.errno();
    if (errno !== ${EINTR}) Atomics.compareExchange(state, ${ERRNO}, 0, errno);
  }
  Atomics.add(state, ${FINISHED}, 1);
  Atomics.notify(state, ${FINISHED});
}
`;

/** A range to populate. */
export interface PopulateJob {
  readonly at: number;
  readonly bytes: number;
  /** MADV_POPULATE_WRITE or MADV_POPULATE_READ. */
  readonly advice: number;
  /** Slices are whole pages. */
  readonly pageSize: number;
  readonly threads: number;
}

/**
 * Populates a range and waits until it is done. This thread works too, with those helpers that start in time.
 *
 * @returns how many threads made pages
 * @throws LinuxError with the first failure; pages made until then stay
 */
export function populate(calls: LinuxCalls, job: PopulateJob): number {
  const unit = Math.max(job.pageSize, 2 ** 21);
  const even = Math.ceil(job.bytes / (job.threads * 4));
  const slice = Math.ceil(Math.max(SLICE_BYTES, even) / unit) * unit;
  const slices = Math.ceil(job.bytes / slice);
  const state = new Int32Array(new SharedArrayBuffer(WORDS * 4));
  const shared = { ...job, slice, slices, state: state.buffer, module: calls.nativeModule };
  const helpers = Math.min(job.threads, slices) - 1;
  // Loaded when it is needed: it takes its share of the time that a program needs to start.
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  for (let i = 0; i < helpers; i++) {
    const helper = new Worker(HELPER, { eval: true, workerData: shared });
    helper.on('error', () => {});
    helper.unref();
  }
  const ready = waitForHelpers(state, helpers);
  workThrough(calls, job, slice, slices, state);
  for (;;) {
    const finished = Atomics.load(state, FINISHED);
    if (finished === slices) break;
    Atomics.wait(state, FINISHED, finished);
  }
  const errno = Atomics.load(state, ERRNO);
  if (errno !== 0) throw new LinuxError(errno, calls.text(errno));
  return 1 + ready;
}

/** Lets the helpers that are ready begin, and tells how many they are; no other will. */
function waitForHelpers(state: Int32Array, helpers: number): number {
  const deadline = Date.now() + PATIENCE_MS;
  for (let ready = 0; ready < helpers && Date.now() < deadline; ready = Atomics.load(state, READY)) {
    Atomics.wait(state, READY, ready, deadline - Date.now());
  }
  const ready = Atomics.exchange(state, READY, BEGUN);
  Atomics.store(state, NEXT, ready);
  Atomics.store(state, GO, 1);
  Atomics.notify(state, GO);
  return ready;
}

function workThrough(calls: LinuxCalls, job: PopulateJob, slice: number, slices: number, state: Int32Array): void {
  for (;;) {
    const index = Atomics.add(state, NEXT, 1);
    if (index >= slices) return;
    const from = index * slice;
    const bytes = Math.min(slice, job.bytes - from);
    while (Atomics.load(state, ERRNO) === 0) {
      try {
        calls.madvise(job.at + from, bytes, job.advice);
        break;
      } catch (error) {
        if (!(error instanceof LinuxError)) throw error;
        if (error.errno !== EINTR) Atomics.compareExchange(state, ERRNO, 0, error.errno);
      }
    }
    Atomics.add(state, FINISHED, 1);
  }
}
