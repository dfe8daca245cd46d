/** mstatus, sstatus and the registers that say what the hart is. RISC-V Privileged Architecture, "Machine ISA Register" to "Machine Status Registers". */
import { defineHelper, type IrBuilder, type IrHelper, type Value } from '@boardwalk/translator';
import {
  MSTATUS_FS,
  MSTATUS_MIE,
  MSTATUS_MPIE,
  MSTATUS_MPP,
  MSTATUS_MPRV,
  MSTATUS_MXR,
  MSTATUS_SD,
  MSTATUS_SIE,
  MSTATUS_SPIE,
  MSTATUS_SPP,
  MSTATUS_SUM,
  MSTATUS_SXL,
  MSTATUS_TSR,
  MSTATUS_TVM,
  MSTATUS_TW,
  MSTATUS_UXL,
} from '../bits.ts';
import { PRIV_M, PRIV_S, PRIV_U } from '../mode.ts';
import type { CpuConfig } from '../models.ts';
import { csr } from '../state.ts';
import { field, withField } from '../status.ts';
import { type Csr, constant, plain } from './csr.ts';

const SSTATUS_WRITABLE = MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR;
const SSTATUS_READABLE = SSTATUS_WRITABLE | MSTATUS_UXL | MSTATUS_SD;

/** The bits of mstatus that this hart lets software write. */
function writable({ extensions }: CpuConfig): bigint {
  const bits: readonly (readonly [present: boolean, mask: bigint])[] = [
    [true, MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP],
    [extensions.has('f'), MSTATUS_FS],
    [extensions.has('u'), MSTATUS_MPRV | MSTATUS_TW],
    [extensions.has('s'), SSTATUS_WRITABLE & ~MSTATUS_FS],
    [extensions.has('s'), MSTATUS_TVM | MSTATUS_TSR],
  ];
  return bits.reduce((mask, [present, part]) => (present ? mask | part : mask), 0n);
}

/** mstatus with SD, which says that floating-point state is dirty. */
function readStatus(b: IrBuilder): Value {
  const status = b.get(csr.mstatus);
  const dirty = b.eq(field(b, status, MSTATUS_FS), b.i32(3));
  return b.or(status, b.shl(b.extend32U(dirty), b.i64(63)));
}

/** Whether the i32 is a privilege level of the hart. */
function isPrivilege(b: IrBuilder, { extensions }: CpuConfig, value: Value): Value {
  const levels = [PRIV_M, ...(extensions.has('s') ? [PRIV_S] : []), ...(extensions.has('u') ? [PRIV_U] : [])];
  return levels.map((level) => b.eq(value, b.i32(level))).reduce((any, one) => b.or(any, one));
}

/** (value, mask) -> writes the bits of mstatus in the mask; an illegal MPP keeps the one before. */
function defineWriteStatus(config: CpuConfig): IrHelper {
  return defineHelper('riscv_write_mstatus', ['i64', 'i64'], undefined, (b, value, mask) => {
    const old = b.get(csr.mstatus);
    const merged = b.or(b.and(old, b.not(mask)), b.and(value, mask));
    const mpp = field(b, merged, MSTATUS_MPP);
    const legal = b.select(isPrivilege(b, config, mpp), mpp, field(b, old, MSTATUS_MPP));
    b.set(csr.mstatus, withField(b, merged, MSTATUS_MPP, legal));
  });
}

/** misa: 64 bits and the letters of the extensions. */
function misa({ extensions }: CpuConfig): bigint {
  const letters = ['i', ...(['m', 'a', 'f', 'd', 'c', 's', 'u'] as const).filter((name) => extensions.has(name))];
  const bits = letters.map((letter) => 1n << BigInt(letter.charCodeAt(0) - 'a'.charCodeAt(0)));
  return bits.reduce((all, one) => all | one, 2n << 62n);
}

export function statusCsrs(config: CpuConfig): Csr[] {
  const write = defineWriteStatus(config);
  const machine = writable(config);
  const supervisor = SSTATUS_WRITABLE & machine;
  const absent = config.extensions.has('s') ? 0n : MSTATUS_SXL;
  const csrs: Csr[] = [
    {
      number: 0x300,
      name: 'mstatus',
      read: (b) => b.and(readStatus(b), b.big(~absent)),
      write: (b, value) => void b.call(write, value, b.big(machine)),
      effect: 'mode',
    },
    constant(0x301, 'misa', misa(config)),
    constant(0xf11, 'mvendorid', BigInt(config.vendorId)),
    constant(0xf12, 'marchid', BigInt(config.archId)),
    constant(0xf13, 'mimpid', BigInt(config.impId)),
    { number: 0xf14, name: 'mhartid', read: (b) => b.get(csr.mhartid) },
    constant(0xf15, 'mconfigptr', 0n),
    plain(0x340, 'mscratch', csr.mscratch),
  ];
  if (config.extensions.has('s')) {
    csrs.push(
      {
        number: 0x100,
        name: 'sstatus',
        read: (b) => b.and(readStatus(b), b.big(SSTATUS_READABLE)),
        write: (b, value) => void b.call(write, value, b.big(supervisor)),
        effect: 'mode',
      },
      plain(0x140, 'sscratch', csr.sscratch),
    );
  }
  return csrs;
}
