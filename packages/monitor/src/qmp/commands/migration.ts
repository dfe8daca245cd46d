// Migrations: a machine that stands still is written out, whole, and what reads it goes on from there.
import { saveSnapshot, UserError } from '@boardwalk/core';
import type { Emulator, ReplacementFile } from '../../emulator.ts';
import type { MigrationState } from '../../events.ts';
import type { migrationCommands } from '../schema/migration.ts';
import { type Handlers, perEmulator, requireMachine } from './context.ts';
import { standStill, WENT_ON, writeStill } from './machine-files.ts';

/** The smallest unit that guests have. */
const PAGE_SIZE = 4096;

/** How often a migration that waits for its turn looks whether the limit has changed, ms. */
const PACE_MS = 100;

/** The migration of an emulator: none, one that is under way, or how the last one ended. */
export class Migration {
  readonly #emulator: Emulator;
  #status: MigrationState | undefined;
  #error: string | undefined;
  #events = false;
  /** Bytes a second that it writes at most, on average; 0: as many as there is room for. */
  maxBandwidth = 0;
  #cancel: () => void = () => {};
  #transferred = 0;
  #began = 0;
  #totalMs = 0;

  constructor(emulator: Emulator) {
    this.#emulator = emulator;
  }

  get status(): MigrationState | undefined {
    return this.#status;
  }

  get error(): string | undefined {
    return this.#error;
  }

  /** Whether monitors are told how far it is. */
  get events(): boolean {
    return this.#events;
  }

  set events(on: boolean) {
    this.#events = on;
  }

  /** Bytes written, and milliseconds that it takes or took. */
  get progress(): { readonly transferred: number; readonly ms: number } {
    const ms = this.#active ? performance.now() - this.#began : this.#totalMs;
    return { transferred: this.#transferred, ms: Math.round(ms) };
  }

  get #active(): boolean {
    return this.#status === 'setup' || this.#status === 'active';
  }

  /**
   * Opens what is written to, and begins; whether somebody answers there is told by its end.
   * @returns its end, which never rejects
   * @throws UserError where the machine cannot be saved now, or there is no such target
   */
  async begin(uri: string): Promise<{ readonly ended: Promise<void> }> {
    const machine = requireMachine(this.#emulator);
    if (this.#active) throw new UserError("There's a migration process in progress");
    if (machine.state === 'inmigrate') throw new UserError('Guest is waiting for an incoming migration');
    if (machine.state === 'postmigrate') {
      throw new UserError("Can't migrate the vm that was paused due to previous migration");
    }
    if (machine.state === 'shutdown' || machine.state === 'internal-error') {
      throw new UserError('the machine has ended: Resetting the Virtual Machine is required');
    }
    if (!this.#emulator.openOutgoing) throw new UserError("Parameter 'uri' expects a valid migration protocol");
    this.#transferred = 0;
    this.#error = undefined;
    this.#began = performance.now();
    const cancelled = this.#expectCancel();
    this.#become('setup');
    try {
      const { opened } = await this.#emulator.openOutgoing(uri);
      return { ended: this.#run(opened, cancelled) };
    } catch (error) {
      this.#end('failed', error);
      throw error;
    }
  }

  /** Ends one that is under way, whatever it waits for. */
  cancel(): void {
    this.#cancel();
  }

  #expectCancel(): Promise<never> {
    const cancelled = new Promise<never>((_, reject) => {
      this.#cancel = () => reject(new Cancelled());
    });
    cancelled.catch(() => {});
    return cancelled;
  }

  async #run(opened: Promise<ReplacementFile>, cancelled: Promise<never>): Promise<void> {
    try {
      const file = await Promise.race([opened, cancelled]);
      await this.#send(file, cancelled);
    } catch (error) {
      // One that is there after all is let go of.
      opened.then((late) => late.discard()).catch(() => {});
      this.#end(error instanceof Cancelled ? 'cancelled' : 'failed', error);
    }
  }

  async #send(file: ReplacementFile, cancelled: Promise<never>): Promise<void> {
    const machine = requireMachine(this.#emulator);
    let wentOn = false;
    let ran = false;
    let unlisten: () => void = () => {};
    const unlessCancelled = <T>(work: Promise<T>): Promise<T> => Promise.race([work, cancelled]);
    this.#become('active');
    try {
      ran = await standStill(machine);
      unlisten = machine.on('resume', () => {
        wentOn = true;
      });
      for (const piece of saveSnapshot(machine)) {
        const began = performance.now();
        await unlessCancelled(writeStill(file, piece, () => wentOn));
        await unlessCancelled(this.#pace(piece.length, began, () => wentOn));
        this.#transferred += piece.length;
      }
      if (wentOn) throw new UserError(WENT_ON);
      await unlessCancelled(file.close());
      machine.migrated();
      this.#end('completed');
    } catch (error) {
      await file.discard().catch(() => {});
      if (ran && !wentOn && machine.state === 'paused') machine.resume();
      throw error;
    } finally {
      unlisten();
    }
  }

  /** Waits until bytes that were written from a time on are within the limit; no longer when the machine has gone on. */
  async #pace(bytes: number, since: number, wentOn: () => boolean): Promise<void> {
    const migration = this.#began;
    let last = since;
    for (let owed = bytes; this.maxBandwidth > 0; ) {
      const now = performance.now();
      owed -= (this.maxBandwidth * (now - last)) / 1000;
      last = now;
      if (owed <= 0 || wentOn() || !this.#active || this.#began !== migration) return;
      const ms = Math.min(PACE_MS, Math.ceil((owed * 1000) / this.maxBandwidth));
      await new Promise((resolve) => setTimeout(resolve, ms));
    }
  }

  #end(status: MigrationState, error?: unknown): void {
    this.#cancel = () => {};
    this.#totalMs = performance.now() - this.#began;
    if (status === 'failed') this.#error = error instanceof Error ? error.message : String(error);
    this.#become(status);
  }

  #become(status: MigrationState): void {
    this.#status = status;
    if (this.#events) this.#emulator.events.emit('MIGRATION', { status });
  }
}

class Cancelled extends Error {}

export const migrationOf = perEmulator((emulator) => new Migration(emulator));

function migrationInfo(emulator: Emulator) {
  const { status, error, progress } = migrationOf(emulator);
  if (status === undefined) return {};
  if (status === 'failed') return { status, ...(error === undefined ? {} : { 'error-desc': error }) };
  if (status === 'setup' || status === 'cancelled') return { status };
  const { transferred, ms } = progress;
  const total = requireMachine(emulator).ramSize;
  return {
    status,
    'total-time': ms,
    'setup-time': 0,
    // It stands still from the beginning to the end.
    ...(status === 'completed' ? { downtime: ms } : {}),
    ram: {
      transferred,
      remaining: status === 'completed' ? 0 : Math.max(0, total - transferred),
      total,
      mbps: ms === 0 ? 0 : (transferred * 8) / (ms * 1000),
      'page-size': PAGE_SIZE,
    },
  };
}

export const migrationHandlers: Handlers<keyof typeof migrationCommands> = {
  async migrate({ emulator }, { uri }) {
    await migrationOf(emulator).begin(uri);
  },
  migrate_cancel: ({ emulator }) => migrationOf(emulator).cancel(),
  'migrate-incoming': async ({ emulator }, { uri }) => {
    if (requireMachine(emulator).state !== 'inmigrate' || !emulator.takeIncoming) {
      throw new UserError("'-incoming' was not specified on the command line");
    }
    await emulator.takeIncoming(uri);
  },
  'query-migrate': ({ emulator }) => migrationInfo(emulator),
  'query-migrate-parameters': ({ emulator }) => ({ 'max-bandwidth': migrationOf(emulator).maxBandwidth }),
  'migrate-set-parameters': ({ emulator }, { 'max-bandwidth': limit }) => {
    if (limit !== undefined) migrationOf(emulator).maxBandwidth = Number(limit);
  },
  'query-migrate-capabilities': ({ emulator }) => [
    { capability: 'events' as const, state: migrationOf(emulator).events },
  ],
  'migrate-set-capabilities': ({ emulator }, { capabilities }) => {
    for (const { state } of capabilities) migrationOf(emulator).events = state;
  },
};
