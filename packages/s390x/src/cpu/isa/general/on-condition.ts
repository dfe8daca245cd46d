/**
 * Semantics of loads, stores and selections that the condition code decides. Principles of Operation, SA22-7832, chapter "General
 * Instructions".
 */
import type { Value } from '@boardwalk/translator';
import type { Emitter, Insn } from '../insn.ts';
import { I2, R1, R1_HIGH_U, R2, R2_HIGH_U, type Source, type Target, TO_HIGH, TO32, TO64 } from '../operands.ts';

/** Under the mask in `m3`, else the register stays. */
const onCondition =
  (source: Source, target: Target, old: Source): Emitter =>
  (i) => {
    const taken = i.condition(i.f.m3);
    target(i, i.b.select(taken, source(i), old(i)));
  };

/** The same where the operand lies in storage, which is not accessed unless the condition holds. */
const loadOnCondition =
  (size: 4 | 8, target: Target): Emitter =>
  (i) => {
    const { b } = i;
    const taken = i.condition(i.f.m3);
    const address = i.address2();
    b.if(taken, () => target(i, i.load(address, i.f.b2, size)));
  };

const storeOnCondition =
  (size: 4 | 8, source: Source): Emitter =>
  (i) => {
    const taken = i.condition(i.f.m3);
    const address = i.address2();
    i.b.if(taken, () => i.store(address, i.f.b2, source(i), size));
  };

/** SELECT: m4 chooses between the second and the third operand. */
const select =
  (target: Target, from: (i: Insn, n: number) => Value): Emitter =>
  (i) => {
    const taken = i.condition(i.f.m4);
    target(i, i.b.select(taken, from(i, i.f.r2), from(i, i.f.r3)));
  };

export const onConditionCode: Readonly<Record<string, Emitter>> = {
  locr: onCondition(R2, TO32, R1),
  locgr: onCondition(R2, TO64, R1),
  locfhr: onCondition(R2_HIGH_U, TO_HIGH, R1_HIGH_U),
  lochi: onCondition(I2, TO32, R1),
  locghi: onCondition(I2, TO64, R1),
  lochhi: onCondition(I2, TO_HIGH, R1_HIGH_U),
  loc: loadOnCondition(4, TO32),
  locg: loadOnCondition(8, TO64),
  locfh: loadOnCondition(4, TO_HIGH),
  stoc: storeOnCondition(4, R1),
  stocg: storeOnCondition(8, R1),
  stocfh: storeOnCondition(4, R1_HIGH_U),
  selr: select(TO32, (i, n) => i.get64(n)),
  selgr: select(TO64, (i, n) => i.get64(n)),
  selfhr: select(TO_HIGH, (i, n) => i.getHigh(n)),
};
