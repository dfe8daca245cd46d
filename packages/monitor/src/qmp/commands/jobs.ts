// Jobs: what is asked for now and done in the background, told by JOB_STATUS_CHANGE, kept until a client has seen how it ended.
import { UserError } from '@boardwalk/core';
import type { Emulator } from '../../emulator.ts';
import type { Infer } from '../schema/dsl.ts';
import type { JobInfo, JobStatus, JobType, jobCommands } from '../schema/jobs.ts';
import { snapshotProblem } from './block.ts';
import { type Handlers, perEmulator, requireMachine } from './context.ts';

type Status = Infer<typeof JobStatus>;
type Type = Infer<typeof JobType>;

interface Job {
  readonly id: string;
  readonly type: Type;
  status: Status;
  error: string | undefined;
}

const ID = /^[A-Za-z][A-Za-z0-9._-]*$/;

/** The jobs of one emulator. */
class Jobs {
  readonly #jobs: Job[] = [];
  readonly #emulator: Emulator;

  constructor(emulator: Emulator) {
    this.#emulator = emulator;
  }

  get list(): Infer<typeof JobInfo>[] {
    return this.#jobs.map(({ id, type, status, error }) => {
      const done = status === 'concluded' ? 1 : 0;
      return {
        'current-progress': done,
        status,
        'total-progress': 1,
        type,
        id,
        ...(error === undefined ? {} : { error }),
      };
    });
  }

  /**
   * Begins one; `work` is done a little later.
   * @throws UserError for an id that cannot be or is taken
   */
  begin(id: string, type: Type, work: () => void): void {
    if (!ID.test(id)) throw new UserError(`Invalid job ID '${id}'`);
    if (this.#jobs.some((job) => job.id === id)) throw new UserError(`Job ID '${id}' already in use`);
    const job: Job = { id, type, status: 'undefined', error: undefined };
    this.#jobs.unshift(job);
    this.#become(job, 'created');
    this.#become(job, 'running');
    queueMicrotask(() => this.#do(job, work));
  }

  /** @throws UserError for a job that has not ended */
  dismiss(id: string): void {
    const job = this.#find(id);
    this.#check(job, 'dismiss', ['concluded']);
    this.#jobs.splice(this.#jobs.indexOf(job), 1);
    this.#become(job, 'null');
  }

  /** @throws UserError always: no job here rests, or waits for anything */
  refuse(id: string, verb: 'pause' | 'cancel' | 'complete' | 'finalize'): void {
    this.#check(this.#find(id), verb, []);
  }

  /** @throws UserError always: no job here rests */
  resume(id: string): void {
    this.#find(id);
    throw new UserError("Can't resume a job that was not paused");
  }

  #do(job: Job, work: () => void): void {
    try {
      work();
      this.#become(job, 'waiting');
      this.#become(job, 'pending');
    } catch (error) {
      job.error = error instanceof Error ? error.message : String(error);
      this.#become(job, 'aborting');
    }
    this.#become(job, 'concluded');
  }

  #become(job: Job, status: Status): void {
    job.status = status;
    this.#emulator.events.emit('JOB_STATUS_CHANGE', { status, id: job.id });
  }

  #find(id: string): Job {
    const job = this.#jobs.find((candidate) => candidate.id === id);
    if (job === undefined) throw new UserError('Job not found');
    return job;
  }

  #check({ id, status }: Job, verb: string, allowed: readonly Status[]): void {
    if (allowed.includes(status)) return;
    throw new UserError(`Job '${id}' in state '${status}' cannot accept command verb '${verb}'`);
  }
}

const jobsOf = perEmulator((emulator) => new Jobs(emulator));

/** A job that wants to save, load or delete a snapshot in images. */
function snapshotJob(emulator: Emulator, type: Type, id: string, nodes: readonly string[]): void {
  const machine = requireMachine(emulator);
  jobsOf(emulator).begin(id, type, () => {
    throw new UserError(snapshotProblem(machine, nodes));
  });
}

export const jobHandlers: Handlers<keyof typeof jobCommands> = {
  'query-jobs': ({ emulator }) => jobsOf(emulator).list,
  'job-pause': ({ emulator }, { id }) => jobsOf(emulator).refuse(id, 'pause'),
  'job-resume': ({ emulator }, { id }) => jobsOf(emulator).resume(id),
  'job-cancel': ({ emulator }, { id }) => jobsOf(emulator).refuse(id, 'cancel'),
  'job-complete': ({ emulator }, { id }) => jobsOf(emulator).refuse(id, 'complete'),
  'job-dismiss': ({ emulator }, { id }) => jobsOf(emulator).dismiss(id),
  'job-finalize': ({ emulator }, { id }) => jobsOf(emulator).refuse(id, 'finalize'),
  'snapshot-save': ({ emulator }, { devices, vmstate, ...args }) =>
    snapshotJob(emulator, 'snapshot-save', args['job-id'], [...devices, vmstate]),
  'snapshot-load': ({ emulator }, { devices, vmstate, ...args }) =>
    snapshotJob(emulator, 'snapshot-load', args['job-id'], [...devices, vmstate]),
  'snapshot-delete': ({ emulator }, { devices, ...args }) =>
    snapshotJob(emulator, 'snapshot-delete', args['job-id'], devices),
};
