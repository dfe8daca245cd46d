/**
 * Semantics of the instructions that the machine has a part in: the channel subsystem, PCI, clocks, other CPUs, the service processor.
 */
import type { CpuConfig } from '../../models.ts';
import type { Emitter } from '../insn.ts';
import type { PortHelpers } from '../port.ts';
import { clockSemantics } from './clocks.ts';
import { identificationSemantics } from './identification.ts';
import { inputOutputSemantics } from './input-output.ts';
import { pciSemantics } from './pci.ts';

export function machineSemantics(config: CpuConfig, helpers: PortHelpers): Readonly<Record<string, Emitter>> {
  return {
    ...inputOutputSemantics(helpers),
    ...pciSemantics(helpers),
    ...clockSemantics(helpers),
    ...identificationSemantics(config, helpers),
  };
}
