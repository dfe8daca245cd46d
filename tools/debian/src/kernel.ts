// Linux kernels as Debian packages them, and the raw Image inside.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DebianError } from './errors.ts';
import { unxz } from './xz.ts';

/** A kernel package's parts. */
export interface DebianKernel {
  /** The kernel's release, as `uname -r` prints it. */
  readonly release: string;
  /** The raw, bootable Image. */
  readonly image: Uint8Array;
  /** Folder of its modules (`kernel/`, `modules.builtin`, `modules.order`). */
  readonly modules: string;
}

/**
 * The kernel of an unpacked `linux-image-*` package.
 *
 * @throws DebianError `not-found` when the folder holds none.
 */
export async function readDebianKernel(dir: string): Promise<DebianKernel> {
  const files = await readdir(join(dir, 'boot')).catch(() => []);
  const file = files.find((name) => /^vmlinu[xz]-/.test(name));
  if (!file) throw new DebianError('not-found', `no kernel in ${dir}`);
  const release = file.slice(file.indexOf('-') + 1);
  return {
    release,
    image: await rawKernelImage(await readFile(join(dir, 'boot', file))),
    modules: await firstFolder([join(dir, 'usr/lib/modules', release), join(dir, 'lib/modules', release)]),
  };
}

async function firstFolder(candidates: readonly string[]): Promise<string> {
  for (const folder of candidates) {
    if ((await readdir(folder).catch(() => [])).length > 0) return folder;
  }
  throw new DebianError('not-found', `no kernel modules in ${candidates[0]}`);
}

/**
 * Takes the compression off a kernel: gzip around the whole Image, or an EFI program that carries a compressed one
 * (Linux: Documentation/admin-guide/efi-stub.rst, drivers/firmware/efi/libstub/zboot-header.S: `zimg` at 4, offset of
 * the payload at 8, its length at 12, name of the compression at 24). Anything else is returned as it is.
 */
export async function rawKernelImage(file: Uint8Array): Promise<Uint8Array> {
  if (isGzip(file)) return new Uint8Array(gunzipSync(file));
  const ascii = (offset: number, length: number) => String.fromCharCode(...file.subarray(offset, offset + length));
  if (file.length < 64 || ascii(0, 2) !== 'MZ' || ascii(4, 4) !== 'zimg') return file;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const start = view.getUint32(8, true);
  const payload = file.subarray(start, start + view.getUint32(12, true));
  const compression = ascii(24, 8).replace(/\0.*$/, '');
  if (compression === 'gzip') return new Uint8Array(gunzipSync(payload));
  if (compression.startsWith('xz')) return unxz(payload);
  throw new DebianError('not-found', `this kernel is packed with ${compression}: only gzip and xz are understood`);
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}
