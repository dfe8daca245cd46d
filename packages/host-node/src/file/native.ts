// Calls of the C library that Node has not got, through koffi. It is an optional dependency: without it they are missing, and
// whoever needs them says so.

import { createRequire } from 'node:module';

/** A function of the C library; arguments and result as its prototype says. */
export type NativeFunction = (...args: unknown[]) => unknown;

export interface NativeLibrary {
  /** A function by its C prototype: `int grantpt(int fd)`. */
  func(prototype: string): NativeFunction;
  /** As {@link func}, in a thread of Node's pool. */
  asyncFunc(prototype: string): (...args: unknown[]) => Promise<unknown>;
  /** `errno` after the last call. */
  errno(): number;
  /** Where the bytes of a view lie. */
  address(view: Uint8Array): number;
  /** The module that does it, for other threads to load. */
  readonly module: string;
}

let loaded: { readonly library: NativeLibrary | undefined } | undefined;

/** The C library of this process; undefined where there is no koffi, and on Windows. */
export async function nativeLibrary(): Promise<NativeLibrary | undefined> {
  return nativeLibraryNow();
}

/** As {@link nativeLibrary}, for those who cannot wait. */
export function nativeLibraryNow(): NativeLibrary | undefined {
  loaded ??= { library: process.platform === 'win32' ? undefined : load() };
  return loaded.library;
}

function load(): NativeLibrary | undefined {
  const require = createRequire(import.meta.url);
  try {
    const koffi = require('koffi') as typeof import('koffi');
    const library = koffi.load(null);
    // Each definition stays for good, so that none is made twice.
    const functions = new Map<string, ReturnType<typeof library.func>>();
    const func = (prototype: string) => {
      const known = functions.get(prototype) ?? library.func(prototype);
      functions.set(prototype, known);
      return known;
    };
    return {
      func,
      asyncFunc:
        (prototype) =>
        (...args) =>
          new Promise((resolve, reject) => {
            func(prototype).async(...args, (error: unknown, result: unknown) => {
              if (error) reject(error instanceof Error ? error : new Error(String(error)));
              else resolve(result);
            });
          }),
      errno: () => koffi.errno(),
      address: (view) => Number(koffi.address(view)),
      module: require.resolve('koffi'),
    };
  } catch {
    return undefined;
  }
}
