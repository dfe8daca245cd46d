/**
 * STORE SYSTEM INFORMATION: blocks of basic machine, logical partition and virtual machine. Layouts after the Principles of
 * Operation, SA22-7832, "STORE SYSTEM INFORMATION"; names as qemu-system-s390x 7.2 gives them, for programs look at them.
 */
import { ebcdicName } from '../sclp/ebcdic.ts';

/** What the blocks tell. */
export interface SystemFacts {
  /** Machine type: `8561`. */
  readonly machineType: number;
  readonly cpus: number;
}

const MANUFACTURER = 'QEMU';
const CONTROL_PROGRAM = 'KVM/Linux';
const GUEST_NAME = 'TCGguest';
/** Capability adjustment factor: what a CPU gives when it has the machine for itself, in thousandths. */
const WHOLE_CAPABILITY = 1000;
/** Capability of one CPU, as a number that is smaller for a faster one. */
const CAPABILITY = 0x443a_fc29;
const EXTENDED_NAMES = 0x800;
/** The long name is in UTF-8. */
const NAME_IS_UTF8 = 2;

type Fill = (block: DataView, facts: SystemFacts) => void;

const put = (block: DataView, at: number, bytes: Uint8Array): void => {
  for (const [i, byte] of bytes.entries()) block.setUint8(at + i, byte);
};
const digits = (value: number, count: number): string => value.toString(16).padStart(count, '0');

/** Basic machine. */
const machine: Fill = (block, { machineType }) => {
  const type = digits(machineType, 4);
  put(block, 0x20, ebcdicName(MANUFACTURER, 16));
  put(block, 0x30, ebcdicName(type, 4));
  put(block, 0x40, ebcdicName(MANUFACTURER, 16));
  put(block, 0x50, ebcdicName(MANUFACTURER.repeat(4), 16));
  put(block, 0x60, ebcdicName(MANUFACTURER, 4));
};

/** One CPU, of the basic machine or of the partition. */
const cpu: Fill = (block) => {
  put(block, 0x50, ebcdicName(MANUFACTURER.repeat(4), 16));
  put(block, 0x60, ebcdicName(MANUFACTURER, 4));
};

const machineCpus: Fill = (block, { cpus }) => {
  block.setUint32(0x20, CAPABILITY);
  block.setUint16(0x24, cpus);
  block.setUint16(0x26, cpus);
};

const partitionCpus: Fill = (block, { cpus }) => {
  block.setUint16(0x20, 0);
  block.setUint8(0x23, 0x80);
  block.setUint16(0x24, cpus);
  block.setUint16(0x26, cpus);
  put(block, 0x2c, ebcdicName(MANUFACTURER, 8));
  block.setUint32(0x34, WHOLE_CAPABILITY);
  block.setUint16(0x48, cpus);
};

/** The machine as the guest of a hypervisor: of one, that is on the partition. */
const virtualMachine: Fill = (block, { cpus }) => {
  block.setUint8(0x1f, 1);
  block.setUint16(0x24, cpus);
  block.setUint16(0x26, cpus);
  put(block, 0x2c, ebcdicName(GUEST_NAME, 8));
  block.setUint32(0x34, WHOLE_CAPABILITY);
  put(block, 0x38, ebcdicName(CONTROL_PROGRAM, 16));
  block.setUint8(0x4b, NAME_IS_UTF8);
  put(block, EXTENDED_NAMES, new TextEncoder().encode(GUEST_NAME));
};

/** By function code, first and second selector. */
const BLOCKS: ReadonlyMap<string, Fill> = new Map([
  ['1.1.1', machine],
  ['1.2.1', cpu],
  ['1.2.2', machineCpus],
  ['2.2.1', cpu],
  ['2.2.2', partitionCpus],
  ['3.2.2', virtualMachine],
]);

/** Fills a block. @returns whether there is one of these selectors */
export function systemInformation(
  [functionCode, selector1, selector2]: readonly [number, number, number],
  facts: SystemFacts,
  block: DataView,
): boolean {
  const fill = BLOCKS.get(`${functionCode}.${selector1}.${selector2}`);
  fill?.(block, facts);
  return fill !== undefined;
}
