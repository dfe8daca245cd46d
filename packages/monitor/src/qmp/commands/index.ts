// Every command that the schema declares, done.
import type { CommandName } from '../schema/index.ts';
import { blockHandlers } from './block.ts';
import type { Handlers } from './context.ts';
import { controlHandlers } from './control.ts';
import { descriptorHandlers } from './descriptors.ts';
import { dumpHandlers } from './dump.ts';
import { ioHandlers } from './io.ts';
import { jobHandlers } from './jobs.ts';
import { machineHandlers } from './machine.ts';
import { migrationHandlers } from './migration.ts';
import { netHandlers } from './net.ts';
import { pciHandlers } from './pci.ts';
import { qomHandlers } from './qom.ts';
import { runStateHandlers } from './run-state.ts';
import { traceHandlers } from './trace.ts';
import { virtioHandlers } from './virtio.ts';

/** `qmp_capabilities` is the session's own affair. */
export const handlers: Handlers<Exclude<CommandName, 'qmp_capabilities'>> = {
  ...runStateHandlers,
  ...controlHandlers,
  ...qomHandlers,
  ...machineHandlers,
  ...pciHandlers,
  ...dumpHandlers,
  ...ioHandlers,
  ...netHandlers,
  ...blockHandlers,
  ...migrationHandlers,
  ...jobHandlers,
  ...descriptorHandlers,
  ...traceHandlers,
  ...virtioHandlers,
};
