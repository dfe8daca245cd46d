/** What the translator is told about a hart: decoder and semantics, traps, address translation. One for all harts of a machine. */
import { ATTR_USER } from '@boardwalk/core';
import {
  defineTsHelper,
  type EngineExceptions,
  type Frontend,
  type FrontendDebug,
  type FrontendHelpers,
  type InsnContext,
  type IrBuilder,
  type IrHelper,
  type RelativeOperand,
  type TsHelper,
  type Value,
} from '@boardwalk/translator';
import {
  CAUSE_FETCH_ACCESS,
  CAUSE_LOAD_ACCESS,
  CAUSE_LOAD_MISALIGNED,
  CAUSE_STORE_ACCESS,
  CAUSE_STORE_MISALIGNED,
} from './bits.ts';
import { type Csr, defineCsrs } from './csr/index.ts';
import { defineTimeHelpers, type TimePort } from './csr/time.ts';
import { riscvDebug } from './debug.ts';
import { type Emitter, endBlock, readX, writeX } from './isa/emitter.ts';
import { InstructionSet } from './isa/index.ts';
import { systemEmitters } from './isa/system.ts';
import { defineLoggedWalk, defineSpan, defineWalk, defineWalked, type WalkPort } from './mmu.ts';
import { MMU_MODES, MMU_U } from './mode.ts';
import type { CpuConfig } from './models.ts';
import { common, layout } from './state.ts';
import { raise, serviceInterrupt } from './trap.ts';

const PRIVILEGE_BITS = 3;

/** What a hart asks of the device around it. */
export interface HartPort extends TimePort, WalkPort {
  /** Performs the semihosting call whose operation and parameter are the arguments; its result goes to `ret`. */
  semihost(cpuBase: number): void;
}

/** How a frontend differs between two machines. */
export interface RiscvFrontendOptions {
  /** Tell the device of every page walk. */
  readonly logWalks?: boolean;
  /** Harts run on threads of their own: page walks update entries by compare and swap. */
  readonly isThreaded?: boolean;
  /** An ebreak between the marks of a semihosting call is one. */
  readonly semihosting?: boolean;
}

/** RV64 of one configuration, for the translator. The harts of a machine share one. */
export class RiscvFrontend implements Frontend {
  readonly name = 'riscv64';
  readonly endian = 'little';
  readonly pageBits = 12;
  readonly mmuModes = MMU_MODES;
  readonly state = layout;
  readonly exceptions: EngineExceptions = {
    busLoad: CAUSE_LOAD_ACCESS,
    busStore: CAUSE_STORE_ACCESS,
    busFetch: CAUSE_FETCH_ACCESS,
    misalignedLoad: CAUSE_LOAD_MISALIGNED,
    misalignedStore: CAUSE_STORE_MISALIGNED,
  };
  readonly raise = raise;
  readonly serviceInterrupt = serviceInterrupt;
  readonly walk: IrHelper;
  readonly span: IrHelper;
  /** The user's regimes make unprivileged accesses. */
  readonly regimeAttributes = Array.from({ length: MMU_MODES }, (_, mmu) => ((mmu & 3) === MMU_U ? ATTR_USER : 0));
  readonly config: CpuConfig;
  readonly csrs: ReadonlyMap<number, Csr>;
  readonly debug: FrontendDebug;
  readonly helpers: FrontendHelpers;
  readonly options: RiscvFrontendOptions;
  readonly #instructions: InstructionSet;
  /** The devices around the harts, by the host offset of their state. */
  readonly #ports = new Map<number, HartPort>();

  constructor(config: CpuConfig, options: RiscvFrontendOptions = {}) {
    this.config = config;
    this.options = options;
    const port: HartPort = {
      readTime: (cpuBase) => this.#ports.get(cpuBase)?.readTime(cpuBase),
      timerChanged: (cpuBase) => this.#ports.get(cpuBase)?.timerChanged(cpuBase),
      walked: (cpuBase) => this.#ports.get(cpuBase)?.walked(cpuBase),
      semihost: (cpuBase) => this.#ports.get(cpuBase)?.semihost(cpuBase),
    };
    const { logWalks = false, isThreaded = false, semihosting = false } = options;
    const walked = logWalks ? defineWalked(port) : undefined;
    const call = semihosting ? defineSemihost(port) : undefined;
    const time = defineTimeHelpers(port);
    const { extensions, ...rest } = config;
    this.helpers = {
      variant: JSON.stringify([[...extensions].sort(), rest, logWalks, isThreaded, semihosting]),
      ts: [walked, call, time.readTime, time.timerChanged].filter((helper) => helper !== undefined),
    };
    const walk = defineWalk(config, isThreaded);
    this.walk = walked === undefined ? walk : defineLoggedWalk(walk, walked);
    this.span = defineSpan(config);
    this.csrs = defineCsrs(config, time);
    this.debug = riscvDebug(config, this.csrs);
    const system = systemEmitters(config, this.csrs);
    this.#instructions = new InstructionSet(extensions, system, call && semihostingEmitter(call));
  }

  /** Says who answers for the hart whose state is at a host offset. */
  attach(cpuBase: number, port: HartPort): void {
    this.#ports.set(cpuBase, port);
  }

  translateInsn(b: IrBuilder, context: InsnContext): void {
    this.#instructions.translate(b, context);
  }

  relativeOperand(context: InsnContext, operand: RelativeOperand): boolean {
    return this.#instructions.relativeOperand(context, operand);
  }

  /** The MMU index of fetches is the privilege. */
  fetchMmu(b: IrBuilder): Value {
    return this.fetchMmuOf(b, b.get(common.mode));
  }

  fetchMmuOf(b: IrBuilder, mode: Value): Value {
    return b.and(mode, b.i32(PRIVILEGE_BITS));
  }

  disassemble(bytes: Uint8Array, pc: bigint): { readonly text: string; readonly length: number } {
    return this.#instructions.disassemble(bytes, pc);
  }
}

const A0 = 10;
const A1 = 11;

function defineSemihost(port: HartPort): TsHelper {
  return defineTsHelper('riscv_semihost', ['i64', 'i64'], 'i64', (cpuBase) => port.semihost(cpuBase));
}

/** The call: operation in a0, parameter in a1, result in a0. The program may be at its end, so the block is too. */
function semihostingEmitter(call: TsHelper): Emitter {
  return (b, _, cpu) => {
    writeX(b, A0, b.call(call, readX(b, A0), readX(b, A1)));
    endBlock(b, cpu);
  };
}
