export { Engine, type EngineStats } from './engine/engine.ts';
export { TranslatedCpu } from './engine/translated-cpu.ts';
export type {
  DebugRegisterPlace,
  EngineExceptions,
  FrameReader,
  Frontend,
  FrontendDebug,
  FrontendHelpers,
  InsnContext,
  RelativeOperand,
} from './frontend.ts';
export { type AccessOptions, IrBuilder, type Local, type Value } from './ir/builder.ts';
export { ENGINE } from './ir/engine.ts';
export { defineHelper, defineTsHelper, type Helper, type IrHelper, type TsHelper } from './ir/helper.ts';
export type { RmwOp } from './ir/nodes.ts';
export { type IrNames, parseIr } from './ir/parse.ts';
export { printIr } from './ir/print.ts';
export type { Slot, Ty } from './ir/types.ts';
export {
  createSoftFloat,
  FLOAT_CLASS,
  type FloatFormatName,
  type IntegerFormat,
  type SoftFloat,
  type SoftFloatOptions,
} from './softfloat/index.ts';
export { accessDescriptor, FAULTED, NOT_RAM } from './softmmu/layout.ts';
export { COMMON, EXIT, FAULT, StateLayout } from './state.ts';
export type { RegionInfo, Tier1Options, Tier1Stats } from './tier1/tier1.ts';
export { compileHelpers } from './wasm/link.ts';
