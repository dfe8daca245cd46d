// -drive and -pflash: images as disks and flash chips.

import { type DriveInterface, type DriveOptions, UserError } from '@boardwalk/core';
import { type CommandLine, forOption, forOptionAsync } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';
import { fdSets } from './fd-sets.ts';

/** One drive as read from the command line; its file has not been opened. */
export interface DriveSpec {
  /** As the user named it. */
  readonly file: string;
  /** Where the host has it, if it came as an open file. */
  readonly path?: string;
  readonly if: DriveInterface;
  readonly id?: string;
  readonly index?: number;
  readonly media?: 'disk' | 'cdrom';
  readonly readonly: boolean;
  readonly snapshot: boolean;
}

/** Interfaces that boards have. */
const INTERFACES = ['virtio', 'pflash', 'none'] as const;

/**
 * A drive without `if=` belongs to the `-device` that names it, else it is a virtio disk.
 * @param claimed ids that devices name
 * @throws UserError for a drive that cannot be
 */
export function parseDrive(text: string, claimed: ReadonlySet<string> = new Set()): DriveSpec {
  const values = new KeyValues(text);
  const file = values.require('file');
  values.choice('format', ['raw']);
  const media = values.choice('media', ['disk', 'cdrom']);
  const id = values.take('id');
  const unit = values.count('unit');
  const index = values.count('index') ?? unit;
  const drive: DriveSpec = {
    file,
    if: values.choice('if', INTERFACES) ?? (id !== undefined && claimed.has(id) ? 'none' : 'virtio'),
    readonly: values.bool('readonly') ?? values.bool('read-only') ?? media === 'cdrom',
    snapshot: values.bool('snapshot') ?? false,
    ...(id === undefined ? {} : { id }),
    ...(index === undefined ? {} : { index }),
    ...(media === undefined ? {} : { media }),
  };
  values.finish();
  return drive;
}

/** All drives, in the order of their options. @throws UserError as {@link parseDrive} does */
export function readDrives(line: CommandLine): DriveSpec[] {
  const claimed = new Set(line.all('device').flatMap((text) => /\bdrive"?\s*[=:]\s*"?([^,"}]+)/.exec(text)?.[1] ?? []));
  const drives = line.all('drive').map((text) => forOption('drive', () => parseDrive(text, claimed)));
  const chips = line.all('pflash').map((file): DriveSpec => ({ file, if: 'pflash', readonly: false, snapshot: false }));
  return [...drives, ...chips].map((drive) => {
    const snapshot = drive.snapshot || line.has('snapshot');
    const access = drive.readonly || snapshot ? 'read' : 'read-write';
    return forOption('drive', () => ({ ...drive, snapshot, path: fdSets(line).resolve(drive.file, access) }));
  });
}

/** Names of formats by the first bytes of their images. */
const FOREIGN_FORMATS: readonly (readonly [name: string, magic: string])[] = [
  ['qcow2', 'QFI\xfb'],
  ['vmdk', 'KDMV'],
  ['vhdx', 'vhdxfile'],
  ['vpc', 'conectix'],
  ['qed', 'QED\0'],
];

/**
 * Opens the images.
 * @throws UserError for a file that is missing, not permitted, no raw image or used twice; what was opened is closed again
 */
export async function openDrives(specs: readonly DriveSpec[]): Promise<DriveOptions[]> {
  if (specs.length === 0) return [];
  const { RawFileBlock } = await import('@boardwalk/host-node');
  const drives: DriveOptions[] = [];
  try {
    for (const spec of specs) {
      await forOptionAsync('drive', async () => {
        const sectorBytes = spec.if === 'pflash' ? 1 : 512;
        const backend = await RawFileBlock.open(spec.path ?? spec.file, { ...spec, filename: spec.file, sectorBytes });
        const { file: _, path: __, readonly: ___, snapshot: ____, ...place } = spec;
        drives.push({ ...place, backend });
        await refuseForeignFormat(spec.file, backend);
      });
    }
  } catch (error) {
    await closeDrives(drives);
    throw error;
  }
  return drives;
}

export async function closeDrives(drives: readonly DriveOptions[]): Promise<void> {
  await Promise.all(drives.map(({ backend }) => backend.close()));
}

async function refuseForeignFormat(file: string, backend: DriveOptions['backend']): Promise<void> {
  const head = new Uint8Array(Math.min(8, backend.size));
  await backend.read(0, head);
  const text = String.fromCharCode(...head);
  const format = FOREIGN_FORMATS.find(([, magic]) => text.startsWith(magic))?.[0];
  if (format !== undefined) {
    throw new UserError(
      `${file}: it is a ${format} image; only raw ones are supported (qemu-img convert -O raw makes one)`,
    );
  }
}
