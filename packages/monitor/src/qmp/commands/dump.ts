// dump-guest-memory: the RAM of a machine and the registers of its CPUs into a file that gdb opens, at once or in the background.
import { dumpGuestMemory, type Machine, UserError } from '@boardwalk/core';
import type { Emulator, ReplacementFile } from '../../emulator.ts';
import type { DumpResult } from '../../events.ts';
import type { IntegerValue } from '../schema/dsl.ts';
import type { dumpCommands } from '../schema/dump.ts';
import { type Handlers, perEmulator, requireMachine } from './context.ts';
import { saveDeviceTree, whileStopped } from './machine-files.ts';
import { saveStorageKeys } from './storage-keys.ts';

/** What of the memory, and to where. */
export interface DumpRequest {
  readonly protocol: string;
  readonly paging: boolean;
  readonly detach?: boolean | undefined;
  readonly begin?: IntegerValue | undefined;
  readonly length?: IntegerValue | undefined;
}

/** The dump of an emulator: none, one that is under way, or how the last one ended. */
class Dump {
  readonly #emulator: Emulator;
  result: DumpResult = { status: 'none', completed: 0, total: 0 };

  constructor(emulator: Emulator) {
    this.#emulator = emulator;
  }

  /** Done when the file is there; with `detach` when it has been begun. @throws UserError */
  async make({ protocol, paging, detach, begin, length }: DumpRequest): Promise<void> {
    const path = /^file:(.+)$/s.exec(protocol)?.[1];
    const machine = requireMachine(this.#emulator);
    if (machine.state === 'inmigrate') throw new UserError('Dump not allowed during incoming migration.');
    if (this.result.status === 'active') throw new UserError('There is a dump in process, please wait.');
    if ((begin === undefined) !== (length === undefined)) {
      throw new UserError(`Parameter '${begin === undefined ? 'begin' : 'length'}' is missing`);
    }
    if (path === undefined) throw new UserError("parameter 'protocol' must start with 'file:'");
    if (!this.#emulator.replaceFile) throw new UserError(`Could not open '${path}': there are no files here`);
    this.result = { status: 'active', completed: 0, total: 0 };
    const part = begin === undefined ? {} : { begin: Number(begin), length: Number(length) };
    const ended = this.#emulator.replaceFile(path).then(
      (file) => this.#write(machine, file, { ...part, paging }),
      (error: unknown) => {
        this.result = { status: 'failed', completed: 0, total: 0 };
        throw error;
      },
    );
    if (detach === true) ended.catch(() => {});
    else await ended;
  }

  async #write(machine: Machine, file: ReplacementFile, options: { readonly paging: boolean }): Promise<void> {
    let error: unknown;
    try {
      await whileStopped(machine, file, async (write) => {
        const progress = (completed: number, total: number): void => {
          this.result = { status: 'active', completed, total };
        };
        await dumpGuestMemory(machine, write, { ...options, progress });
      });
    } catch (thrown) {
      error = thrown;
    }
    const result = { ...this.result, status: error === undefined ? 'completed' : 'failed' } as const;
    this.result = result;
    const why = error instanceof Error ? error.message : String(error);
    this.#emulator.events.emit('DUMP_COMPLETED', { result, ...(error === undefined ? {} : { error: why }) });
    if (error !== undefined) throw error;
  }
}

export const dumpOf = perEmulator((emulator) => new Dump(emulator));

export const dumpHandlers: Handlers<keyof typeof dumpCommands> = {
  'dump-guest-memory': ({ emulator }, args) => dumpOf(emulator).make(args),
  'query-dump': ({ emulator }) => dumpOf(emulator).result,
  'query-dump-guest-memory-capability': () => ({ formats: ['elf' as const] }),
  dumpdtb: ({ emulator }, { filename }) => saveDeviceTree(emulator, filename),
  'dump-skeys': ({ emulator }, { filename }) => saveStorageKeys(emulator, filename),
};
