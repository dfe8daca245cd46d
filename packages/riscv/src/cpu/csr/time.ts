/** Counters and timers: cycle, time, instret and their machine counterparts, stimecmp. RISC-V Unprivileged ISA, "Zicntr and Zihpm"; Privileged Architecture, "Hardware Performance Monitor", "Sstc". */
import {
  defineTsHelper,
  type Helper,
  type IrBuilder,
  type Slot,
  type TsHelper,
  type Value,
} from '@boardwalk/translator';
import { MENVCFG_STCE } from '../bits.ts';
import { modePriv, PRIV_M } from '../mode.ts';
import type { CpuConfig } from '../models.ts';
import { csr } from '../state.ts';
import { type Csr, constant, counterEnabled, masked } from './csr.ts';

/** What the time registers ask of the device around the hart. */
export interface TimePort {
  /** Reads mtime into the `ret` slot of the hart. */
  readTime(cpuBase: number): void;
  /** stimecmp or menvcfg.STCE changed: sets the timer and the line of the supervisor timer interrupt. */
  timerChanged(cpuBase: number): void;
}

/** The port as helpers. */
export interface TimeHelpers {
  readonly readTime: TsHelper;
  readonly timerChanged: TsHelper;
}

export function defineTimeHelpers(port: TimePort): TimeHelpers {
  return {
    readTime: defineTsHelper('riscv_read_time', [], 'i64', (cpuBase) => port.readTime(cpuBase)),
    timerChanged: defineTsHelper('riscv_timer_changed', [], undefined, (cpuBase) => port.timerChanged(cpuBase)),
  };
}

const CY = 0;
const TM = 1;
const IR = 2;
const HPM_FIRST = 3;
const HPM_LAST = 31;

/** A counter of instructions: the translator's count plus a base, or the base alone while mcountinhibit stops it. */
interface Counter {
  readonly index: number;
  readonly base: Slot;
}
const CYCLE: Counter = { index: CY, base: csr.mcycleBase };
const INSTRET: Counter = { index: IR, base: csr.minstretBase };

/** The translator's count where the counter runs, 0 where it is stopped, by a value of mcountinhibit. */
function running(b: IrBuilder, { index }: Counter, inhibit: Value): Value {
  const stopped = b.wrap(b.extract(inhibit, index, 1));
  return b.select(stopped, b.i64(0), b.instructionCount());
}

function readCounter(b: IrBuilder, counter: Counter): Value {
  return b.add(b.get(counter.base), running(b, counter, b.get(csr.mcountinhibit)));
}

function writeCounter(b: IrBuilder, counter: Counter, value: Value): void {
  b.set(counter.base, b.sub(value, running(b, counter, b.get(csr.mcountinhibit))));
}

/** mcountinhibit: stopping or starting a counter keeps its value. */
function writeInhibit(b: IrBuilder, value: Value): void {
  const legal = b.and(value, b.i64((1 << CY) | (1 << IR)));
  for (const counter of [CYCLE, INSTRET]) {
    b.set(counter.base, b.sub(readCounter(b, counter), running(b, counter, legal)));
  }
  b.set(csr.mcountinhibit, legal);
}

/** A counter's machine register. */
function machineCounter(number: number, name: string, counter: Counter): Csr {
  return {
    number,
    name,
    read: (b) => readCounter(b, counter),
    write: (b, value) => writeCounter(b, counter, value),
    effect: 'exit',
  };
}

/** A read-only register that mcounteren and scounteren open. */
function shadow(number: number, name: string, index: number, read: (b: IrBuilder) => Value): Csr {
  return { number, name, read, allowed: (b, mode) => counterEnabled(b, modePriv(mode), index) };
}

/** Performance counters 3 to 31 count nothing. */
function performanceCounters({ extensions }: CpuConfig): Csr[] {
  const csrs: Csr[] = [];
  for (let n = HPM_FIRST; n <= HPM_LAST; n++) {
    csrs.push(constant(0xb00 + n, `mhpmcounter${n}`, 0n), constant(0x320 + n, `mhpmevent${n}`, 0n));
    if (extensions.has('zicntr')) csrs.push(shadow(0xc00 + n, `hpmcounter${n}`, n, (b) => b.i64(0)));
  }
  return csrs;
}

/** stimecmp: in supervisor mode only where menvcfg.STCE and mcounteren.TM allow it. */
function stimecmp(timerChanged: Helper): Csr {
  return {
    number: 0x14d,
    name: 'stimecmp',
    read: (b) => b.get(csr.stimecmp),
    write: (b, value) => {
      b.set(csr.stimecmp, value);
      b.tellCount();
      b.call(timerChanged);
    },
    effect: 'exit',
    allowed: (b, mode) => {
      if (modePriv(mode) === PRIV_M) return true;
      const enabled = b.ne(b.and(b.get(csr.menvcfg), b.big(MENVCFG_STCE)), b.i64(0));
      return b.and(enabled, b.wrap(b.extract(b.get(csr.mcounteren), TM, 1)));
    },
  };
}

export function timeCsrs(config: CpuConfig, { readTime, timerChanged }: TimeHelpers): Csr[] {
  const { extensions } = config;
  const csrs: Csr[] = [
    machineCounter(0xb00, 'mcycle', CYCLE),
    machineCounter(0xb02, 'minstret', INSTRET),
    {
      number: 0x320,
      name: 'mcountinhibit',
      read: (b) => b.get(csr.mcountinhibit),
      write: writeInhibit,
      effect: 'exit',
    },
    ...performanceCounters(config),
  ];
  if (extensions.has('u')) csrs.push(masked(0x306, 'mcounteren', csr.mcounteren, 0xffff_ffffn));
  if (extensions.has('s')) csrs.push(masked(0x106, 'scounteren', csr.scounteren, 0xffff_ffffn));
  if (extensions.has('zicntr')) {
    csrs.push(
      shadow(0xc00, 'cycle', CY, (b) => readCounter(b, CYCLE)),
      shadow(0xc01, 'time', TM, (b) => {
        b.tellCount();
        return b.call(readTime);
      }),
      shadow(0xc02, 'instret', IR, (b) => readCounter(b, INSTRET)),
    );
  }
  if (extensions.has('sstc')) csrs.push(stimecmp(timerChanged));
  return csrs;
}
