/** satp, pmpcfg and pmpaddr. RISC-V Privileged Architecture, "Supervisor Address Translation and Protection Register", "Physical Memory Protection". */
import { defineHelper, type IrBuilder, type Value } from '@boardwalk/translator';
import { MSTATUS_TVM } from '../bits.ts';
import { flushTranslations } from '../mmu.ts';
import { modePriv, PRIV_S } from '../mode.ts';
import type { CpuConfig } from '../models.ts';
import { configByte, PMP_ENTRIES, updatePmp } from '../pmp.ts';
import { csr } from '../state.ts';
import { field } from '../status.ts';
import type { Csr } from './csr.ts';

/** satp.MODE of each page-table format. */
const SATP_MODES = { sv39: 8, sv48: 9, sv57: 10 } as const;

/** mstatus.TVM keeps supervisor mode from address translation. */
export function translationAllowed(b: IrBuilder, mode: number): Value | boolean {
  return modePriv(mode) !== PRIV_S || b.eqz(field(b, b.get(csr.mstatus), MSTATUS_TVM));
}

/**
 * Writes satp; an unknown mode leaves it as it is. Where it changes the address space is another one: what is not global is
 * forgotten, though ASIDs would let an implementation keep it; with another format of tables all is.
 */
function defineWriteSatp({ extensions }: CpuConfig) {
  const formats = Object.keys(SATP_MODES) as (keyof typeof SATP_MODES)[];
  const modes = [0, ...formats.filter((name) => extensions.has(name)).map((name) => SATP_MODES[name])];
  return defineHelper('riscv_write_satp', ['i64'], undefined, (b, value) => {
    const mode = b.wrap(b.shr(value, b.i64(60)));
    const known = modes.map((m) => b.eq(mode, b.i32(m))).reduce((any, one) => b.or(any, one));
    b.if(b.and(known, b.ne(value, b.get(csr.satp))), () => {
      const isFormat = b.eqz(b.shr(b.xor(value, b.get(csr.satp)), b.i64(60)));
      b.set(csr.satp, value);
      b.if(
        isFormat,
        () => b.tlbFlushSpace(),
        () => flushTranslations(b),
      );
    });
  });
}

function satp(config: CpuConfig): Csr {
  const write = defineWriteSatp(config);
  return {
    number: 0x180,
    name: 'satp',
    read: (b) => b.get(csr.satp),
    write: (b, value) => void b.call(write, value),
    effect: 'exit',
    allowed: translationAllowed,
  };
}

const EACH_BYTE = 0x0101_0101_0101_0101n;

/** pmpcfg0 and pmpcfg2: eight entries each, all at once. Locked ones stay; writable without readable is reserved. */
function pmpConfig(index: 0 | 1): Csr {
  const slot = csr.pmpcfg[index];
  if (slot === undefined) throw new Error('no such register');
  return {
    number: 0x3a0 + index * 2,
    name: `pmpcfg${index * 2}`,
    read: (b) => b.get(slot),
    write: (b, value) => {
      const old = b.get(slot);
      const locked = b.mul(b.and(b.shr(old, b.i64(7)), b.big(EACH_BYTE)), b.i64(0xff));
      const legal = b.and(value, b.big(EACH_BYTE * 0x9fn));
      const writable = b.or(b.shl(legal, b.i64(1)), b.big(~(EACH_BYTE * 2n)));
      b.set(slot, b.or(b.and(old, locked), b.and(b.and(legal, writable), b.not(locked))));
      b.call(updatePmp);
    },
    effect: 'translation',
  };
}

const TOR_LOCKED = 0x88;
const LOCKED = 0x80;
const MATCHING = 0x18;

/** pmpaddr: bits 55:2 of an address; fixed where its entry, or the range that ends in the next one, is locked. */
function pmpAddress(entry: number): Csr {
  const slot = csr.pmpaddr[entry];
  if (slot === undefined) throw new Error('no such register');
  return {
    number: 0x3b0 + entry,
    name: `pmpaddr${entry}`,
    read: (b) => b.get(slot),
    write: (b, value) => {
      const own = b.ne(b.and(configByte(b, entry), b.i32(LOCKED)), b.i32(0));
      const next =
        entry + 1 < PMP_ENTRIES
          ? b.eq(b.and(configByte(b, entry + 1), b.i32(LOCKED | MATCHING)), b.i32(TOR_LOCKED))
          : b.i32(0);
      const legal = b.zext(value, 54);
      b.set(slot, b.select(b.or(own, next), b.get(slot), legal));
      b.call(updatePmp);
    },
    effect: 'translation',
  };
}

export function translationCsrs(config: CpuConfig): Csr[] {
  const csrs: Csr[] = [];
  if (config.extensions.has('s')) csrs.push(satp(config));
  if (config.extensions.has('pmp')) {
    csrs.push(pmpConfig(0), pmpConfig(1));
    for (let entry = 0; entry < PMP_ENTRIES; entry++) csrs.push(pmpAddress(entry));
  }
  return csrs;
}
