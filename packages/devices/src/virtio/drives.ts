// Disks that a user asks for without saying which device they are on (`-drive if=virtio`, the default of boards with virtio).

import { type Machine, UserError } from '@boardwalk/core';
import { VirtioBlk } from './virtio-blk.ts';
import type { VirtioMmio } from './virtio-mmio.ts';

/**
 * Gives each drive of the `virtio` interface a block device on the first free transport. For a board to call when it is built.
 * @throws UserError when there are more drives than transports
 */
export function plugVirtioDrives(machine: Machine, transports: readonly VirtioMmio[]): void {
  for (const drive of machine.drives.of('virtio')) {
    const { index } = drive;
    const transport = transports.find((candidate) => !candidate.full);
    if (transport === undefined) throw new UserError(`No 'virtio-bus' bus has room for drive virtio${index}`);
    const device = new VirtioBlk();
    device.setProperty('drive', machine.drives.claim('virtio', index)?.backend);
    transport.plug(device);
    machine.add(device, `virtio${index}`);
    machine.drives.usedBy(drive, device.path);
  }
}
