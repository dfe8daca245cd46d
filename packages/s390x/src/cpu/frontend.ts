/** What the translator is told about a CPU: decoder and semantics, interruptions, address translation. One for all CPUs of a machine. */
import type {
  EngineExceptions,
  Frontend,
  FrontendDebug,
  FrontendHelpers,
  InsnContext,
  IrBuilder,
  IrHelper,
  RelativeOperand,
  TsHelper,
  Value,
} from '@boardwalk/translator';
import { PGM } from './bits.ts';
import { s390Debug } from './debug.ts';
import { instructionLength } from './decode/decoder.ts';
import { disassemble } from './decode/disassemble.ts';
import { defineServiceInterrupt, interruptHelpers, raise } from './interruptions.ts';
import { EXTRA_LONG } from './isa/execute.ts';
import { InstructionSet } from './isa/index.ts';
import { type InstructionPort, portHelpers } from './isa/port.ts';
import { MMU_MODES, MODE_EXECUTED, MODE_FETCH_SHIFT } from './mode.ts';
import type { CpuConfig } from './models.ts';
import { common, ilc, layout } from './state.ts';
import { span, storeMarks, walk } from './translation.ts';

/** Restart words. */
const LENGTHS = { 2: [2], 4: [4], 6: [6] } as const;

/** z/Architecture of one configuration, for the translator. The CPUs of a machine share one. */
export class S390Frontend implements Frontend {
  readonly name = 's390x';
  readonly endian = 'big';
  readonly pageBits = 12;
  readonly codeAlignment = 2;
  readonly mmuModes = MMU_MODES;
  readonly state = layout;
  readonly usesExtra = true;
  readonly restartSlots = [ilc];
  readonly exceptions: EngineExceptions = {
    busLoad: PGM.addressing,
    busStore: PGM.addressing,
    busFetch: PGM.addressing,
    misalignedLoad: PGM.specification,
    misalignedStore: PGM.specification,
  };
  readonly raise = raise;
  readonly walk: IrHelper = walk;
  readonly span: IrHelper = span;
  readonly storeMarks = storeMarks;
  readonly serviceInterrupt: IrHelper;
  readonly debug: FrontendDebug;
  readonly helpers: FrontendHelpers;
  readonly config: CpuConfig;
  readonly #instructions: InstructionSet;
  /** The devices behind the CPUs, by the host offset of their state. */
  readonly #ports = new Map<number, InstructionPort>();

  constructor(config: CpuConfig) {
    this.config = config;
    this.debug = s390Debug(config);
    const of = (base: number): InstructionPort => {
      const found = this.#ports.get(base);
      if (found === undefined) throw new Error(`no CPU has its state at ${base}`);
      return found;
    };
    const port: InstructionPort = {
      takeIo: (base) => of(base).takeIo(base),
      takeExternal: (base) => of(base).takeExternal(base),
      takeMachineCheck: (base) => of(base).takeMachineCheck(base),
      stopped: (base) => of(base).stopped(base),
      disabledWait: (base) => of(base).disabledWait(base),
      flushOthers: (base) => of(base).flushOthers(base),
      readTod: (base) => of(base).readTod(base),
      setTod: (base) => of(base).setTod(base),
      readTimer: (base) => of(base).readTimer(base),
      setTimer: (base) => of(base).setTimer(base),
      comparatorChanged: (base) => of(base).comparatorChanged(base),
      signal: (base) => of(base).signal(base),
      performMachine: (base) => of(base).performMachine(base),
      watchRange: (base) => of(base).watchRange(base),
      identify: (base) => of(base).identify(base),
    };
    const { facilities, ...rest } = config;
    const interrupts = interruptHelpers(port);
    const asked = portHelpers(port);
    this.helpers = {
      variant: JSON.stringify([[...facilities].sort(), rest]),
      ts: [...Object.values<TsHelper>({ ...interrupts }), ...Object.values<TsHelper>({ ...asked })],
    };
    this.serviceInterrupt = defineServiceInterrupt(interrupts);
    this.#instructions = new InstructionSet(config, asked);
  }

  /** Says who answers for the CPU whose state is at a host offset. */
  attach(cpuBase: number, port: InstructionPort): void {
    this.#ports.set(cpuBase, port);
  }

  translateInsn(b: IrBuilder, context: InsnContext): void {
    this.#instructions.translate(b, context);
  }

  relativeOperand(context: InsnContext, operand: RelativeOperand): boolean {
    return this.#instructions.relativeOperand(context, operand);
  }

  /** The length of the instruction: that of EXECUTE where it is the target of one. */
  restartWords(context: InsnContext): readonly number[] {
    if ((context.mode & MODE_EXECUTED) !== 0) return (context.extraLo & EXTRA_LONG) !== 0 ? LENGTHS[6] : LENGTHS[4];
    return LENGTHS[instructionLength(context.fetch16(0))];
  }

  fetchMmu(b: IrBuilder): Value {
    return this.fetchMmuOf(b, b.get(common.mode));
  }

  fetchMmuOf(b: IrBuilder, mode: Value): Value {
    return b.extract(mode, MODE_FETCH_SHIFT, 3);
  }

  /** Whether the CPU has an instruction, by its mnemonic. */
  has(mnemonic: string): boolean {
    return this.#instructions.has(mnemonic);
  }

  disassemble(bytes: Uint8Array, pc: bigint): { readonly text: string; readonly length: number } {
    return disassemble(bytes, pc);
  }
}
