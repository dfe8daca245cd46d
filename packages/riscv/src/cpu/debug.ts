/**
 * A hart as debuggers see it: gdb's features for RISC-V and their register numbers. GDB manual, "RISC-V Features"; numbers
 * as QEMU's stub has them (x0 to x31 and pc from 0, f0 to f31 from 33, the privilege at 65, CSRs from 66 by their number).
 */
import type { CoreFileFormat, DebugFeature, DebugRegister } from '@boardwalk/core';
import {
  type DebugRegisterPlace,
  defineHelper,
  type FrameReader,
  type FrontendDebug,
  type IrBuilder,
  type Value,
} from '@boardwalk/translator';
import type { Csr } from './csr/index.ts';
import { F_NAMES, X_NAMES } from './decode/registers.ts';
import { flushTranslations } from './mmu.ts';
import { FP_DIRTY, MMU_M, MMU_MXR, MMU_S, MMU_S_SUM, MODE_FP_SHIFT, MODE_RESET, modeDataMmu } from './mode.ts';
import type { CpuConfig } from './models.ts';
import { common, f, priv, x } from './state.ts';
import { updateMode } from './status.ts';

const PC = 32;
const F0 = 33;
const PRIV = 65;
const CSR0 = 66;
const RETURN_ADDRESS = 1;
const FRAME_POINTER = 8;

/** A mode word for which a write to a CSR has no effect on it by itself. */
const DEBUG_MODE = MODE_RESET | (FP_DIRTY << MODE_FP_SHIFT);

const TYPE_OF: Readonly<Record<string, string>> = { ra: 'code_ptr', sp: 'data_ptr', gp: 'data_ptr', tp: 'data_ptr' };

function integerFeature(): DebugFeature {
  const registers = X_NAMES.map((name, number): DebugRegister => {
    if (number === FRAME_POINTER) return { name: 'fp', bits: 64, type: 'data_ptr' };
    return { name, bits: 64, type: TYPE_OF[name] ?? 'int' };
  });
  return { name: 'org.gnu.gdb.riscv.cpu', registers: [...registers, { name: 'pc', bits: 64, type: 'code_ptr' }] };
}

function floatFeature(): DebugFeature {
  const types =
    '<union id="riscv_double"><field name="float" type="ieee_single"/><field name="double" type="ieee_double"/></union>';
  const registers = F_NAMES.map(
    (name, i): DebugRegister => ({ name, bits: 64, type: 'riscv_double', ...(i === 0 ? { number: F0 } : {}) }),
  );
  return { name: 'org.gnu.gdb.riscv.fpu', types, registers };
}

function csrFeature(csrs: ReadonlyMap<number, Csr>): DebugFeature {
  const registers = [...csrs.values()]
    .sort((a, b) => a.number - b.number)
    .map(({ name, number }): DebugRegister => ({ name, bits: 64, number: CSR0 + number }));
  return { name: 'org.gnu.gdb.riscv.csr', registers };
}

/** A CSR as its own instructions read and write it, without their checks. */
function csrPlace(register: Csr): DebugRegisterPlace {
  const { name, read, write, effect } = register;
  const place = { read: defineHelper(`debug_read_${name}`, [], 'i64', (b) => read(b)) };
  if (write === undefined) return place;
  const store = (b: IrBuilder, value: Value): void => {
    write(b, value, DEBUG_MODE);
    if (effect === 'mode') b.call(updateMode);
    if (effect === 'translation') flushTranslations(b);
  };
  return { ...place, write: defineHelper(`debug_write_${name}`, ['i64'], undefined, (b, value) => store(b, value)) };
}

/** EM_RISCV; pc, then x1 to x31, as in Linux's struct user_regs_struct. */
const CORE_FILE: CoreFileFormat = {
  machine: 243,
  bits: 64,
  registers: [PC, ...Array.from({ length: 31 }, (_, i) => i + 1)],
};

const PRIV_PLACE: DebugRegisterPlace = {
  read: defineHelper('debug_read_priv', [], 'i64', (b) => b.extend32U(b.get(priv))),
  write: defineHelper('debug_write_priv', ['i64'], undefined, (b, value) => {
    const level = b.and(b.wrap(value), b.i32(3));
    // 2 is no privilege of these harts.
    b.set(priv, b.select(b.eq(level, b.i32(2)), b.i32(0), level));
    b.call(updateMode);
  }),
};

/** Where the data of a program may be seen: its own regime; then what only it may execute, and the user's pages. */
function dataMmus(mode: number): readonly number[] {
  const mmu = modeDataMmu(mode);
  if (mmu === MMU_M) return [mmu];
  const readable = mmu | MMU_MXR;
  const isSupervisor = (mmu & ~MMU_MXR) === MMU_S;
  return isSupervisor ? [mmu, readable, MMU_S_SUM | MMU_MXR] : [mmu, readable];
}

/** Whether the instruction before an address is a call, so that it can be a return address: jal ra, jalr ra, c.jalr. */
function followsCall(address: bigint, load: FrameReader['load']): boolean {
  const code = address % 2n === 0n ? load(address - 4n, 4) : undefined;
  if (code === undefined) return false;
  const word = Number(code);
  const isLong = (word & 0xfff) === 0x0ef || (word & 0x7fff) === 0x00e7;
  const half = word >>> 16;
  return isLong || ((half & 0xf07f) === 0x9002 && (half & 0x0f80) !== 0);
}

/**
 * Callers by frame pointers: the return address lies 8 bytes below where fp points, the caller's fp 16 below. RISC-V ABIs
 * Specification, "Frame Pointer Convention". A function that calls none has its caller in ra, and if it makes a frame, the caller's
 * fp 8 below. Where a program uses fp for something else, what lies there follows no call, and the search ends.
 */
function* callers({ pc, register, load, same }: FrameReader): Iterable<bigint> {
  let fp = register(FRAME_POINTER);
  const ra = register(RETURN_ADDRESS);
  const below = load(fp - 8n, 8);
  const isLeaf = ra !== below && !same(ra, pc) && followsCall(ra, load);
  if (isLeaf) yield ra;
  if (isLeaf && below !== undefined && below > fp && !followsCall(below, load)) fp = below;
  while (fp % 8n === 0n) {
    const [back, outer] = [load(fp - 8n, 8), load(fp - 16n, 8)];
    if (back === undefined || outer === undefined || !followsCall(back, load)) return;
    yield back;
    // Stacks grow down: what is no higher is no caller's frame.
    if (outer <= fp) return;
    fp = outer;
  }
}

/** What debuggers are told about a hart of a configuration. */
export function riscvDebug(config: CpuConfig, csrs: ReadonlyMap<number, Csr>): FrontendDebug {
  const float = config.extensions.has('f');
  const virtual = { name: 'org.gnu.gdb.riscv.virtual', registers: [{ name: 'priv', bits: 64, number: PRIV }] };
  const features = [integerFeature(), ...(float ? [floatFeature()] : []), virtual, csrFeature(csrs)];
  const places = new Map<number, DebugRegisterPlace>();
  for (const [number, slot] of x.entries()) places.set(number, { slot, fixed: number === 0 });
  places.set(PC, { slot: common.pc });
  if (float) for (const [i, slot] of f.entries()) places.set(F0 + i, { slot });
  places.set(PRIV, PRIV_PLACE);
  for (const register of csrs.values()) places.set(CSR0 + register.number, csrPlace(register));
  return {
    description: { architecture: 'riscv:rv64', endian: 'little', watchStopsBefore: true, features, core: CORE_FILE },
    place: (number) => places.get(number),
    dataMmus,
    callers,
  };
}
