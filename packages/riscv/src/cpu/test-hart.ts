/** For tests: a hart's state in a memory of its own, and the privileged architecture's helpers run on it directly. */
import {
  compileHelpers,
  defineHelper,
  ENGINE,
  type Helper,
  type IrBuilder,
  type IrHelper,
  type Slot,
} from '@boardwalk/translator';
import { defineCsrs } from './csr/index.ts';
import { defineTimeHelpers } from './csr/time.ts';
import { defineWalk } from './mmu.ts';
import { type CpuConfig, parseCpu } from './models.ts';
import { noPmpCheck, pmpCheck } from './pmp.ts';
import { common, layout } from './state.ts';
import { updateMode } from './status.ts';
import { defineReturns, raise, serviceInterrupt } from './trap.ts';

const STATE_BYTES = 0x10000;
const RAM_BYTES = 0x40000;

/** Physical address of the test's RAM. */
export const RAM = 0x8000_0000n;

type Functions = ReturnType<typeof compileHelpers>;

const ramHost = defineHelper('test_ram_host', ['i64'], 'i64', (b, pa) => {
  const offset = b.sub(pa, b.big(RAM));
  const inside = b.ltU(offset, b.i64(RAM_BYTES));
  return b.select(inside, b.add(offset, b.i64(STATE_BYTES)), b.i64(-1));
});

/** Flushes are counted in the last words of the state. */
const FLUSHES = STATE_BYTES - 8;
const PAGE_FLUSHES = STATE_BYTES - 16;
const SPACE_FLUSHES = STATE_BYTES - 24;
const count = (b: IrBuilder, offset: number): void => {
  const at = b.i32(offset);
  b.hostStore(at, b.add(b.hostLoad(at, { size: 8 }), b.i64(1)), { size: 8 });
};
const tlbFlush = defineHelper('test_flush', [], undefined, (b) => count(b, FLUSHES));
const tlbFlushSpace = defineHelper('test_flush_space', [], undefined, (b) => count(b, SPACE_FLUSHES));
const tlbFlushPage = defineHelper('test_flush_page', ['i64'], undefined, (b) => count(b, PAGE_FLUSHES));

export class TestHart {
  readonly config: CpuConfig;
  readonly #view: DataView;
  readonly #functions: Functions;
  readonly #csrs = new Map<string, number>();
  /** What `time` reads. */
  time = 0n;
  timerChanges = 0;

  constructor(cpu = 'rv64', ...more: readonly IrHelper[]) {
    this.config = parseCpu(cpu);
    const pages = (STATE_BYTES + RAM_BYTES) / 65536;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.#view = new DataView(memory.buffer);
    for (const { slot, reset } of layout.fields) {
      if (slot.ty === 'i64') this.#view.setBigInt64(slot.offset, reset, true);
      else if (slot.ty === 'i32') this.#view.setInt32(slot.offset, Number(reset), true);
    }
    const check = this.config.extensions.has('pmp') ? pmpCheck : noPmpCheck;
    const { mret, sret } = defineReturns(this.config);
    const helpers = [defineWalk(this.config), check, raise, serviceInterrupt, mret, sret, updateMode];
    this.#functions = compileHelpers(
      memory,
      [...helpers, ...this.#csrHelpers(), ...more],
      new Map<Helper, IrHelper>([
        [ENGINE.ramHost, ramHost],
        [ENGINE.tlbFlush, tlbFlush],
        [ENGINE.tlbFlushPage, tlbFlushPage],
        [ENGINE.tlbFlushSpace, tlbFlushSpace],
      ]),
    );
    this.call('riscv_update_mode');
  }

  /** Each register as two helpers: `read_mstatus`, `write_mstatus`. */
  #csrHelpers(): IrHelper[] {
    const time = defineTimeHelpers({
      readTime: () => this.set(common.ret, this.time),
      timerChanged: () => {
        this.timerChanges++;
      },
    });
    const helpers: IrHelper[] = [];
    for (const register of defineCsrs(this.config, time).values()) {
      const { name, number, write } = register;
      this.#csrs.set(name, number);
      helpers.push(defineHelper(`read_${name}`, [], 'i64', (b) => register.read(b)));
      if (write !== undefined) {
        helpers.push(
          defineHelper(`write_${name}`, ['i64'], undefined, (b, value) => {
            write(b, value, 0);
            if (register.effect === 'mode') b.call(updateMode);
          }),
        );
      }
    }
    return helpers;
  }

  get(slot: Slot): bigint {
    if (slot.ty === 'i32') return BigInt(this.#view.getInt32(slot.offset, true));
    return this.#view.getBigUint64(slot.offset, true);
  }

  set(slot: Slot, value: bigint | number): void {
    if (slot.ty === 'i32') this.#view.setInt32(slot.offset, Number(value), true);
    else this.#view.setBigUint64(slot.offset, BigInt.asUintN(64, BigInt(value)), true);
  }

  /** Runs a helper; integers come back unsigned. */
  call(name: string, ...args: (number | bigint)[]): number | bigint | undefined {
    const run = this.#functions[name];
    if (run === undefined) throw new Error(`no helper ${name}`);
    const result = run(0, ...args);
    return typeof result === 'bigint' ? BigInt.asUintN(64, result) : result;
  }

  hasCsr(name: string): boolean {
    return this.#csrs.has(name);
  }

  csrNumber(name: string): number | undefined {
    return this.#csrs.get(name);
  }

  read(name: string): bigint {
    return BigInt(this.call(`read_${name}`) ?? 0);
  }

  write(name: string, value: bigint): void {
    this.call(`write_${name}`, BigInt.asIntN(64, value));
  }

  /** Writes all ones and all zeros: the bits that follow are writable. */
  writableBits(name: string): bigint {
    const before = this.read(name);
    this.write(name, -1n);
    const ones = this.read(name);
    this.write(name, 0n);
    const zeros = this.read(name);
    this.write(name, before);
    return ones ^ zeros;
  }

  /** Walks for an access of so many bytes: the physical address and rights, or the exception code. */
  walk(
    va: bigint,
    access: 'load' | 'store' | 'fetch',
    mmu: number,
    bytes = 1,
  ): { pa: bigint; prot: number; bits: number } | number {
    const kind = { load: 0, store: 1, fetch: 2 }[access];
    this.set(common.accessBytes, bytes);
    if (this.call('riscv_walk', BigInt.asIntN(64, va), kind, mmu) !== 0) return Number(this.get(common.excCode));
    return {
      pa: this.get(common.walkPa),
      prot: Number(this.get(common.walkProt)),
      bits: Number(this.get(common.walkBits)),
    };
  }

  /** A doubleword of the test's RAM. */
  peek(pa: bigint): bigint {
    return this.#view.getBigUint64(STATE_BYTES + Number(pa - RAM), true);
  }

  poke(pa: bigint, value: bigint): void {
    this.#view.setBigUint64(STATE_BYTES + Number(pa - RAM), value, true);
  }

  get flushes(): { all: number; pages: number; spaces: number } {
    const at = (offset: number) => Number(this.#view.getBigUint64(offset, true));
    return { all: at(FLUSHES), pages: at(PAGE_FLUSHES), spaces: at(SPACE_FLUSHES) };
  }

  /** Lets supervisor and user mode reach all memory, as firmware does. */
  openPmp(): void {
    this.write('pmpaddr15', -1n);
    this.write('pmpcfg2', 0x1fn << 56n);
  }
}
