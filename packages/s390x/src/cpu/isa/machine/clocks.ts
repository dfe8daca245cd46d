/**
 * Semantics of the clocks: TOD clock, clock comparator, CPU timer. Principles of Operation, SA22-7832, chapter "Control
 * Instructions".
 */
import { PGM } from '../../bits.ts';
import { ckc, todpr } from '../../state.ts';
import type { Emitter } from '../insn.ts';
import type { PortHelpers } from '../port.ts';

/** STCK and STCKF: STCK's values differ from one to the next. */
const storeClock =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    const { b } = i;
    const address = i.address2();
    i.probe(address, i.f.b2, b.i32(8), true);
    b.tellCount();
    i.store(address, i.f.b2, b.call(helpers.readTod), 8);
    i.setCcValue(b.i32(0));
  };

/** STCKE: 16 bytes: epoch index, TOD clock, zeros, a one, the programmable field. */
const storeClockExtended =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    const { b } = i;
    const address = i.address2();
    i.probe(address, i.f.b2, b.i32(16), true);
    b.tellCount();
    const tod = b.local('i64', b.call(helpers.readTod));
    const low = b.or(b.shl(b.getLocal(tod), b.i64(56)), b.or(b.i64(0x10000), b.extend32U(b.get(todpr))));
    i.store(address, i.f.b2, b.shr(b.getLocal(tod), b.i64(8)), 8);
    i.store(i.wrap(b.add(address, b.i64(8))), i.f.b2, low, 8);
    i.setCcValue(b.i32(0));
  };

const setClock =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.alignedAddress2(8);
    const value = i.load(address, i.f.b2, 8);
    b.tellCount();
    b.call(helpers.setTod, value);
    i.setCcValue(b.i32(0));
    i.exit();
  };

const setComparator =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.alignedAddress2(8);
    b.set(ckc, i.load(address, i.f.b2, 8));
    b.tellCount();
    b.call(helpers.comparatorChanged);
    i.exit();
  };

const storeComparator: Emitter = (i) => {
  i.supervisor();
  const address = i.alignedAddress2(8);
  i.store(address, i.f.b2, i.b.get(ckc), 8);
};

const setCpuTimer =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.alignedAddress2(8);
    const value = i.load(address, i.f.b2, 8);
    b.tellCount();
    b.call(helpers.setTimer, value);
    i.exit();
  };

const storeCpuTimer =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.alignedAddress2(8);
    i.probe(address, i.f.b2, b.i32(8), true);
    b.tellCount();
    i.store(address, i.f.b2, b.call(helpers.readTimer), 8);
  };

/** ECTG: the CPU timer less the first operand into register 0, the second into 1, the third operand into r3. */
const extractCpuTime =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    const { b } = i;
    const first = i.load(i.address1(), i.f.b1, 8);
    const second = i.load(i.address2(), i.f.b2, 8);
    const third = i.load(i.wrap(i.get64(i.f.r3)), i.f.r3, 8);
    b.tellCount();
    const timer = b.call(helpers.readTimer);
    i.set64(0, b.sub(first, timer));
    i.set64(1, second);
    i.set64(i.f.r3, third);
  };

const setClockProgrammable: Emitter = (i) => {
  i.supervisor();
  const { b } = i;
  const value = i.get32(0);
  i.raiseIf(b.and(value, b.i32(0xffff_0000 | 0)), PGM.specification);
  b.set(todpr, value);
};

/** PTFF: which of its functions there are. Only the query is. */
const timingFacility: Emitter = (i) => {
  const { b } = i;
  const code = b.and(i.get32(0), b.i32(127));
  i.raiseIf(b.ne(b.and(i.get64(0), b.i64(0xffff_ff80)), b.i64(0)), PGM.specification);
  const address = i.wrap(i.get64(1));
  const query = b.eqz(code);
  b.if(query, () => {
    i.store(address, 1, b.big(1n << 63n), 8);
    i.store(i.wrap(b.add(address, b.i64(8))), 1, b.i64(0), 8);
  });
  i.setCcValue(b.select(query, b.i32(0), b.i32(3)));
};

export function clockSemantics(helpers: PortHelpers): Readonly<Record<string, Emitter>> {
  return {
    stck: storeClock(helpers),
    stckf: storeClock(helpers),
    stcke: storeClockExtended(helpers),
    sck: setClock(helpers),
    sckc: setComparator(helpers),
    stckc: storeComparator,
    spt: setCpuTimer(helpers),
    stpt: storeCpuTimer(helpers),
    ectg: extractCpuTime(helpers),
    sckpf: setClockProgrammable,
    ptff: timingFacility,
  };
}
