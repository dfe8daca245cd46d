// The machine's devices as a vCPU's thread reaches them: by calls of the device thread, but for registers that the thread answers itself.

import { type AccessSize, type Attrs, MEM_OK, type MemResult, type ProbeOptions } from '../memory/types.ts';
import { CALL, VCPU_CALL_HI, VCPU_CALL_LO } from './layout.ts';
import type { VcpuThread } from './vcpu-thread.ts';

/** What a vCPU needs of an address space for what is not memory; an `AddressSpace` is one. */
export interface DeviceBus {
  /** Low and high half of what {@link loadPair} found, unsigned. */
  readonly lo: number;
  readonly hi: number;
  load(address: number, size: AccessSize, attrs?: Attrs): number;
  store(address: number, size: AccessSize, value: number, attrs?: Attrs): MemResult;
  loadPair(address: number, attrs?: Attrs): MemResult;
  storePair(address: number, lo: number, hi: number, attrs?: Attrs): MemResult;
  probe(address: number, length: number, how: ProbeOptions): MemResult;
}

export class RemoteBus implements DeviceBus {
  lo = 0;
  hi = 0;
  readonly #thread: VcpuThread;

  constructor(thread: VcpuThread) {
    this.#thread = thread;
  }

  load(address: number, size: AccessSize, attrs: Attrs = 0): number {
    const local = this.#thread.localAt(address, size);
    if (local !== undefined) return local.read((address - local.base) / 4);
    const result = this.#thread.call({ kind: CALL.load, pa: address, size, attrs });
    return result < 0 ? result : this.#thread.words.load(VCPU_CALL_LO) >>> 0;
  }

  store(address: number, size: AccessSize, value: number, attrs: Attrs = 0): MemResult {
    const local = this.#thread.localAt(address, size);
    if (local !== undefined) {
      local.write((address - local.base) / 4, value);
      return MEM_OK;
    }
    return this.#thread.call({ kind: CALL.store, pa: address, size, attrs, lo: value });
  }

  loadPair(address: number, attrs: Attrs = 0): MemResult {
    const result = this.#thread.call({ kind: CALL.load, pa: address, size: 8, attrs });
    if (result < 0) return result;
    this.lo = this.#thread.words.load(VCPU_CALL_LO) >>> 0;
    this.hi = this.#thread.words.load(VCPU_CALL_HI) >>> 0;
    return MEM_OK;
  }

  storePair(address: number, lo: number, hi: number, attrs: Attrs = 0): MemResult {
    return this.#thread.call({ kind: CALL.store, pa: address, size: 8, attrs, lo, hi });
  }

  probe(address: number, length: number, { size, write, attrs }: ProbeOptions): MemResult {
    return this.#thread.call({ kind: CALL.probe, pa: address, size, attrs, lo: length, extra: write ? 1 : 0 });
  }
}
