// Calls of the C library that Node has not got, through koffi. It is an optional dependency: without it they are missing, and
// whoever needs them says so.

import { createRequire } from 'node:module';

/** A function of the C library; arguments and result as its prototype says. */
export type NativeFunction = (...args: unknown[]) => unknown;

export interface NativeLibrary {
  /** A function by its C prototype: `int grantpt(int fd)`. */
  func(prototype: string): NativeFunction;
  /** `errno` after the last call. */
  errno(): number;
  /** Where the bytes of a view lie. */
  address(view: Uint8Array): number;
  /** The module that does it, for other threads to load. */
  readonly module: string;
}

let loading: Promise<NativeLibrary | undefined> | undefined;

/** The C library of this process; undefined where there is no koffi, and on Windows. */
export function nativeLibrary(): Promise<NativeLibrary | undefined> {
  loading ??= process.platform === 'win32' ? Promise.resolve(undefined) : load();
  return loading;
}

async function load(): Promise<NativeLibrary | undefined> {
  try {
    const { default: koffi } = await import('koffi');
    const library = koffi.load(null);
    return {
      func: (prototype) => library.func(prototype),
      errno: () => koffi.errno(),
      address: (view) => Number(koffi.address(view)),
      module: createRequire(import.meta.url).resolve('koffi'),
    };
  } catch {
    return undefined;
  }
}
