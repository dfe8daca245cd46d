// Commands about character devices and drives.
import type { Drive } from '@boardwalk/core';
import type { ioCommands } from '../schema/io.ts';
import { type Handlers, requireMachine } from './context.ts';

/** A drive's name: its id, or its place. */
export function driveName({ id, if: type, index }: Drive): string {
  return id ?? `${type}${index}`;
}

/** No limit on transfers. */
const UNLIMITED = { bps: 0, bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0, iops_wr: 0 } as const;

function blockInfo(drive: Drive) {
  const { backend, media } = drive;
  const filename = backend.filename ?? '';
  return {
    device: driveName(drive),
    type: 'unknown',
    removable: media === 'cdrom',
    locked: false,
    inserted: {
      file: filename,
      ro: backend.readonly,
      drv: 'raw',
      backing_file_depth: 0,
      encrypted: false,
      detect_zeroes: 'off' as const,
      ...UNLIMITED,
      image: { filename, format: 'raw', 'virtual-size': backend.size },
      cache: { writeback: true, direct: false, 'no-flush': false },
      write_threshold: 0,
    },
  };
}

export const ioHandlers: Handlers<keyof typeof ioCommands> = {
  'query-chardev': ({ emulator }) =>
    (emulator.chardevs ?? []).map(({ label, filename, frontendOpen }) => ({
      label,
      filename,
      'frontend-open': frontendOpen,
    })),
  'query-block': ({ emulator }) => requireMachine(emulator).drives.all.map(blockInfo),
  'query-block-jobs': () => [],
};
