/** Translated code that is kept in an IndexedDB database of the origin, from one visit to the next. */
import type { CodeStore } from '@boardwalk/core';
import { createStore, delMany, entries, keys, set, type UseStore } from 'idb-keyval';

export interface CodeDatabaseOptions {
  /**
   * What runs: the versions of the program's parts, and what the guest is. Code of another run is never taken, so a program that is
   * updated has to say something else here.
   */
  readonly run: string;
  /** Name of the database. */
  readonly database?: string;
}

/** A store whose code is written while the program goes on. */
export interface CodeDatabase extends CodeStore {
  /** Settles when all that was saved is written, or could not be. */
  flush(): Promise<void>;
}

/** Codes of all runs that are kept at most, a guest's and its modules of helpers for each: Linux's are 20 MB. */
const MOST_CODES = 16;

interface Entry {
  /** When it was saved or taken last, in ms since 1970. */
  readonly used: number;
  readonly code: unknown;
}

/** Reads what earlier visits left for a run. Where the origin may store nothing, nothing is kept. */
export async function openCodeDatabase({ run, database = 'boardwalk' }: CodeDatabaseOptions): Promise<CodeDatabase> {
  const store = createStore(database, 'code');
  const codes = await read(store, run).catch(() => new Map<string, unknown>());
  let writing = Promise.resolve();
  const write = (change: () => Promise<void>): void => {
    // Without room the next visit translates again.
    writing = writing.then(change).catch(() => {});
  };
  return {
    load(shape) {
      const code = codes.get(shape);
      if (code !== undefined) write(() => set([run, shape], { used: Date.now(), code } satisfies Entry, store));
      return code;
    },
    save(shape, code) {
      if (code === undefined) {
        codes.delete(shape);
        write(() => delMany([[run, shape]], store));
        return;
      }
      codes.set(shape, code);
      write(async () => {
        await set([run, shape], { used: Date.now(), code } satisfies Entry, store);
        await makeRoom(store);
      });
    },
    flush: () => writing,
  };
}

async function read(store: UseStore, run: string): Promise<Map<string, unknown>> {
  const codes = new Map<string, unknown>();
  const own = (await keys<[string, string]>(store)).some(([of]) => of === run);
  if (!own) return codes;
  for (const [[of, shape], { code }] of await entries<[string, string], Entry>(store)) {
    if (of === run) codes.set(shape, code);
  }
  return codes;
}

/** Takes away those that were used longest ago. */
async function makeRoom(store: UseStore): Promise<void> {
  if ((await keys(store)).length <= MOST_CODES) return;
  const all = await entries<[string, string], Entry>(store);
  all.sort(([, a], [, b]) => b.used - a.used);
  await delMany(
    all.slice(MOST_CODES).map(([key]) => key),
    store,
  );
}
