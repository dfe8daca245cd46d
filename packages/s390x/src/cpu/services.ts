/**
 * The seam between CPUs and the machine around them.
 *
 * One way, {@link MachineServices}: what instructions ask the machine for (SERVC, DIAGNOSE, the channel subsystem's
 * instructions, STSI). The CPU has checked privilege and operands, has read an operand block from guest memory before the call
 * and writes it back after it, so a service never sees a virtual address or a page fault.
 *
 * The other way, {@link CpuPort} and {@link FloatingInterruptions}: what the machine does with CPUs: starting and stopping them,
 * resets, PSWs, interruptions that any CPU may take.
 *
 * After the Principles of Operation, SA22-7832, chapters "Interruptions", "Control" and "I/O Instructions".
 */

/**
 * How an instruction that the machine performed ends: a condition code (0 to 3), {@link CC_UNCHANGED}, or a program
 * interruption made by {@link programInterruption}.
 */
export type Outcome = number;

/** The instruction is complete and leaves the condition code as it was. */
export const CC_UNCHANGED = -1;

const PROGRAM_INTERRUPTION = 0x1_0000;

/** The instruction is suppressed by a program interruption: a number of {@link PGM}. */
export function programInterruption(code: number): Outcome {
  return PROGRAM_INTERRUPTION | code;
}

/** Program-interruption codes that services use; `interruptions.ts` has them all. */
export const PGM_OPERATION = 0x01;
export const PGM_ADDRESSING = 0x05;
export const PGM_SPECIFICATION = 0x06;
export const PGM_OPERAND = 0x15;

/** CPU states, as SIGP SENSE and STORE CPU STATUS know them. `load`: an IPL is under way. */
export type CpuState = 'operating' | 'stopped' | 'check-stop' | 'load';

/** Why a CPU will not go on by itself. `disabled-wait`: a wait PSW that no interruption is enabled in. */
export type StopReason = 'stopped' | 'disabled-wait' | 'check-stop';

/** What resets do, each all that the ones before it do. The clear reset of a CPU leaves memory and keys to the machine. */
export type CpuResetKind = 'cpu' | 'initial' | 'clear';

/** A CPU as the machine sees it. To be called between slices, or from a service that the same CPU called. */
export interface CpuPort {
  /** The CPU address: its position in the machine. */
  readonly index: number;
  readonly cpuState: CpuState;
  /** General register 0 to 15. */
  gpr(number: number): bigint;
  setGpr(number: number, value: bigint): void;
  /** Control register 0 to 15. */
  controlRegister(number: number): bigint;
  /** The prefix: absolute address of the 8 KiB that real addresses 0 to 8191 mean. */
  readonly prefix: number;
  /** Mask half of the PSW (bits 0 to 63), condition code and all. */
  readonly pswMask: bigint;
  /** Address half of the PSW. */
  readonly pswAddress: bigint;
  /** Sets the whole PSW; one that is invalid raises a specification exception when the CPU goes on. */
  setPsw(mask: bigint, address: bigint): void;
  /** Sets the PSW from the 8 bytes of an ESA/390 PSW, as IPL and the restart of an ESA/390 kernel find at absolute 0. */
  setShortPsw(word: bigint): void;
  /** Into the operating state; a CPU that waits goes on waiting. */
  startCpu(): void;
  /** Into the stopped state, at the end of the present instruction. */
  stopCpu(): void;
  /** A restart interruption: old PSW to 0x120, new PSW from 0x1a0 of the prefix area, then the operating state. */
  restartCpu(): void;
  /** Registers into a save area of the layout at 0x1200 of the prefix area, at an absolute address, which is 512 bytes aligned. */
  storeStatus(address: number): void;
  /** Leaves the CPU stopped. */
  resetCpu(kind: CpuResetKind): void;
  /** A machine check: interruption code (64 bits) of the conditions that only this CPU has. */
  queueMachineCheck(code: bigint): void;
}

/** An I/O interruption as the CPU stores it at 0xb8 to 0xc3 of the prefix area. */
export interface IoInterruption {
  /** Subsystem-identification word: 0x0001 and CSS, SSID, then subchannel number. 0 for an adapter's. */
  readonly subsystemId: number;
  /** Interruption parameter of the subchannel. */
  readonly parameter: number;
  /** Interruption-identification word: bit 0 an adapter interruption, bits 2 to 4 the subclass (ISC). */
  readonly word: number;
}

/** The interruption subclass of an I/O interruption, 0 to 7. */
export function ioSubclass(interruption: IoInterruption): number {
  return (interruption.word >>> 27) & 7;
}

/** Interruptions of the machine that whichever CPU is first enabled for them takes. Devices call these at any time. */
export interface FloatingInterruptions {
  /** Service signal (external interruption 0x2401): the SCCB's address, and the bits that say what happened. They are or-ed. */
  serviceSignal(parameter: number): void;
  /** Makes an I/O interruption pending behind those of its subclass. */
  queueIo(interruption: IoInterruption): void;
  /** Takes away the pending interruption of a subchannel (TEST SUBCHANNEL, CLEAR SUBCHANNEL); says whether there was one. */
  cancelIo(subsystemId: number): boolean;
  /** Channel report pending: a machine check that CR14 and the PSW enable. The words are read with STORE CHANNEL REPORT WORD. */
  channelReportPending(): void;
  /** An external interruption with a parameter of 32 (at 0x80) and one of 64 bits (at 0x11b8): 0x2603 is virtio's. */
  queueExternal(code: number, parameter: number, parameter64: bigint): void;
  /** Forgets what is pending: subsystem reset. */
  reset(): void;
}

/** What the channel subsystem does for the I/O instructions. Blocks are big-endian, as in guest memory. */
export interface ChannelServices {
  /** SSCH. `orb`: 32 bytes. `id` is the subsystem-identification word of general register 1, here and below. */
  startSubchannel(cpu: CpuPort, id: number, orb: DataView): Outcome;
  /** TSCH. `irb`: 64 bytes to fill; stored where the condition code is 0 or 1. */
  testSubchannel(cpu: CpuPort, id: number, irb: DataView): Outcome;
  /** MSCH. `schib`: 52 bytes. */
  modifySubchannel(cpu: CpuPort, id: number, schib: DataView): Outcome;
  /** STSCH. `schib`: 52 bytes to fill; stored unless the condition code is 3. */
  storeSubchannel(cpu: CpuPort, id: number, schib: DataView): Outcome;
  /** CSCH. */
  clearSubchannel(cpu: CpuPort, id: number): Outcome;
  /** HSCH. */
  haltSubchannel(cpu: CpuPort, id: number): Outcome;
  /** RSCH. */
  resumeSubchannel(cpu: CpuPort, id: number): Outcome;
  /** XSCH. */
  cancelSubchannel(cpu: CpuPort, id: number): Outcome;
  /** RCHP. `parameter`: general register 1, the channel path in bits 56 to 63. */
  resetChannelPath(cpu: CpuPort, parameter: number): Outcome;
  /** SAL. `limit`: general register 1. */
  setAddressLimit(cpu: CpuPort, limit: number): Outcome;
  /** SCHM. General registers 1 (32 bits) and 2. */
  setChannelMonitor(cpu: CpuPort, parameter: number, blockOrigin: bigint): Outcome;
  /** STCRW. `crw`: 4 bytes to fill, always stored. Condition code 0 with a report, 1 (and zero) without. */
  storeChannelReportWord(cpu: CpuPort, crw: DataView): Outcome;
  /** STCPS. `status`: 32 bytes to fill. */
  storeChannelPathStatus(cpu: CpuPort, status: DataView): Outcome;
  /** CHSC. `page`: the 4096 bytes that hold the command block; the response goes behind the request, in place. */
  channelSubsystemCall(cpu: CpuPort, page: DataView): Outcome;
}

/**
 * What the PCI bridge does for the PCI instructions. `request` is the general register that names function, address space and
 * length. A condition code of 1 has a status in the outcome's second byte, which the instruction puts into that register.
 */
export interface PciServices {
  /** CLP. `page`: the 4096 bytes that hold request and response. */
  callLogicalProcessor(cpu: CpuPort, page: DataView): Outcome;
  /** PCILG. `value`: 8 bytes to fill; taken where the condition code is 0. */
  pciLoad(cpu: CpuPort, request: bigint, offset: bigint, value: DataView): Outcome;
  /** PCISTG. */
  pciStore(cpu: CpuPort, request: bigint, offset: bigint, value: bigint): Outcome;
  /** PCISTB. `data`: 128 bytes, of which those that the request asks for are there. */
  pciStoreBlock(cpu: CpuPort, request: bigint, offset: bigint, data: DataView): Outcome;
  /** MPCIFC. `fib`: 80 bytes. */
  modifyPciControls(cpu: CpuPort, request: bigint, fib: DataView): Outcome;
  /** STPCIFC. `fib`: 80 bytes to fill; stored where the condition code is 0. */
  storePciControls(cpu: CpuPort, request: bigint, fib: DataView): Outcome;
  /** RPCIT: a range of DMA addresses. */
  refreshPciTranslations(cpu: CpuPort, request: bigint, start: bigint, bytes: bigint): Outcome;
  /** SIC. */
  setInterruptionControls(cpu: CpuPort, mode: number, subclass: number): Outcome;
}

/** The machine, as instructions reach it. */
export interface MachineServices extends ChannelServices {
  /** The PCI bridge; a CPU without the facility does not ask for it. */
  readonly pci: PciServices | undefined;
  /** SERVC: the command word, and the absolute address of the SCCB (below 2^31, prefixing applied). */
  serviceCall(cpu: CpuPort, command: number, address: number): Outcome;
  /** DIAGNOSE: the code is the second operand's address; `r1` and `r3` are register numbers. */
  diagnose(cpu: CpuPort, code: number, r1: number, r3: number): Outcome;
  /** STSI of a level that exists: fills the block of 4096 zero bytes and gives 0; 3 where there is no such information. */
  systemInformation(cpu: CpuPort, functionCode: number, selector1: number, selector2: number, block: DataView): Outcome;
  /** A CPU has become part of the machine. */
  cpuJoined(cpu: CpuPort): void;
  /** A CPU stopped, or waits for what can never come. The machine decides whether that ends it: all may have stopped. */
  cpuStopped(cpu: CpuPort, reason: StopReason): void;
}
