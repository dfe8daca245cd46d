// What fw_cfg tells firmware about booting: a menu, waiting times, and the order of devices.
// After: QEMU documentation, docs/specs/fw_cfg, and the items that its machines have.

import { bootOrder, type Machine } from '@boardwalk/core';
import { FW_CFG_BOOT_MENU, type FwCfg } from './fw-cfg.ts';

/** Last line of `bootorder` where nothing else is to be tried. */
const HALT = 'HALT';

/** Adds the items of `-boot` and of devices' `bootindex`; the order is that of the devices at each reset. */
export function addBootItems(machine: Machine, fwCfg: FwCfg): void {
  const { menu = false, strict = false, rebootTimeout = -1, splashTime } = machine.options.boot ?? {};
  fwCfg.addU16(FW_CFG_BOOT_MENU, menu ? 1 : 0);
  fwCfg.addFile('bios-geometry', new Uint8Array(0));
  fwCfg.addFile('etc/boot-fail-wait', littleEndian(4, rebootTimeout));
  if (splashTime !== undefined) fwCfg.addFile('etc/boot-menu-wait', littleEndian(2, splashTime));
  fwCfg.addFile('bootorder', new Uint8Array(0));
  machine.onReset(() => {
    const order = bootOrder(machine);
    const lines = strict && order.length > 0 ? [...order, HALT] : order;
    const text = lines.length === 0 ? '' : `${lines.join('\n')}\0`;
    fwCfg.addFile('bootorder', new TextEncoder().encode(text));
  });
}

function littleEndian(bytes: 2 | 4, value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  if (bytes === 2) view.setUint16(0, value, true);
  else view.setInt32(0, value, true);
  return new Uint8Array(view.buffer);
}
