/** An IR builder that tells instruments of the accesses that instructions make. */
import { type AccessOptions, IrBuilder, type Value } from '../ir/builder.ts';
import type { RmwOp } from '../ir/nodes.ts';
import type { Instruments } from './instruments.ts';

export class InstrumentedBuilder extends IrBuilder {
  readonly #instruments: Instruments;
  /** Of the instruction that is being translated. */
  pc = 0n;

  constructor(instruments: Instruments) {
    super();
    this.#instruments = instruments;
  }

  override load(address: Value, o: AccessOptions): Value {
    const value = super.load(address, o);
    this.#instruments.emitAccess(this, this.pc, address, o.size, 'load');
    return value;
  }

  override store(address: Value, value: Value, o: AccessOptions): void {
    super.store(address, value, o);
    this.#instruments.emitAccess(this, this.pc, address, o.size, 'store');
  }

  override atomicRmw(op: RmwOp, address: Value, value: Value, o: AccessOptions): Value {
    const before = super.atomicRmw(op, address, value, o);
    this.#instruments.emitAccess(this, this.pc, address, o.size, 'atomic');
    return before;
  }

  override atomicCas(address: Value, expected: Value, value: Value, o: AccessOptions): Value {
    const before = super.atomicCas(address, expected, value, o);
    this.#instruments.emitAccess(this, this.pc, address, o.size, 'atomic');
    return before;
  }
}
