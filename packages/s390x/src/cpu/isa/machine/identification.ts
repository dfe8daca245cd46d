/**
 * Semantics of what tells of the CPU and calls other CPUs, the service processor and the host. Principles of Operation, SA22-7832,
 * chapter "Control Instructions".
 */
import { PGM } from '../../bits.ts';
import { facilityWords } from '../../facilities.ts';
import type { CpuConfig } from '../../models.ts';
import { CC_UNCHANGED } from '../../services.ts';
import { common, cpuAddress } from '../../state.ts';
import { toAbsolute } from '../../translation.ts';
import type { Emitter } from '../insn.ts';
import { MACHINE, type PortHelpers } from '../port.ts';
import { absolutePage, finish, perform, storeLow } from './perform.ts';

const serviceCall =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = b.and(i.get64(i.f.r2), b.i64(0x7fff_ffff));
    finish(i, perform(i, helpers, MACHINE.serviceCall, i.get32u(i.f.r1), b.call(toAbsolute, address)));
  };

const diagnose =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const code = b.and(i.address2(), b.i64(0xffff));
    // The machine may look at where the CPU is, and make it another's: the instruction is complete when it is called.
    const cc = i.cc();
    b.set(common.pc, i.next());
    const outcome = perform(i, helpers, MACHINE.diagnose, code, b.i64(i.f.r1), b.i64(i.f.r3));
    i.setCcValue(b.select(b.eq(outcome, b.i32(CC_UNCHANGED)), cc, outcome));
    b.requestExit();
    b.exitToLookup();
    i.ended = true;
  };

const storeSystemInformation =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.address2();
    const [r0, r1] = [i.get32(0), i.get32(1)];
    const level = b.shr(r0, b.i32(28));
    const reserved = b.or(b.and(r0, b.i32(0x0fff_ff00)), b.and(r1, b.i32(0xffff_0000 | 0)));
    // Of a level that there is not nothing else is looked at.
    const isKnown = b.and(b.ne(level, b.i32(0)), b.leU(level, b.i32(3)));
    i.raiseIf(b.and(isKnown, b.ne(reserved, b.i32(0))), PGM.specification);
    const host = b.local('i64', b.i64(0));
    b.if(isKnown, () => {
      i.aligned(address, 4096);
      b.setLocal(host, i.call(absolutePage, address, i.space(i.f.b2)));
    });
    const selectors = b.or(b.shl(b.extend32U(r1), b.i64(32)), b.extend32U(r0));
    const outcome = perform(i, helpers, MACHINE.systemInformation, selectors, b.getLocal(host));
    // Level 0 asks which level runs: 3, a virtual machine.
    b.if(b.eqz(level), () => i.set32(0, b.i64(0x3000_0000)));
    finish(i, outcome);
  };

const signalProcessor =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const order = b.wrap(b.and(i.address2(), b.i64(255)));
    const target = b.and(i.get32(i.f.r3), b.i32(0xffff));
    const parameter = i.get64(i.f.r1 | 1);
    b.set(common.pc, i.next());
    const cc = b.call(helpers.signal, order, target, parameter, b.i32(i.f.r1));
    i.setCcValue(cc);
    b.requestExit();
    b.exitToLookup();
    i.ended = true;
  };

const storeCpuAddress = (): Emitter => (i) => {
  i.supervisor();
  const { b } = i;
  const address = i.alignedAddress2(2);
  i.store(address, i.f.b2, b.extend32U(b.get(cpuAddress)), 2);
};

const storeCpuId =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.alignedAddress2(8);
    i.probe(address, i.f.b2, b.i32(8), true);
    i.store(address, i.f.b2, b.call(helpers.identify), 8);
  };

/** STFL: the first 32 facility bits, at 0xc8 of the prefix area. */
const storeFacilities =
  (config: CpuConfig): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const [first = 0n] = facilityWords(config);
    b.call(storeLow, b.i64(0xc8), b.big(first >> 32n));
  };

/** STFLE: as many doublewords as register 0 has room for; condition code 3 where there are more. */
const storeFacilitiesExtended =
  (config: CpuConfig): Emitter =>
  (i) => {
    const { b } = i;
    const words = facilityWords(config);
    const address = i.alignedAddress2(8);
    const room = b.and(i.get64(0), b.i64(255));
    for (const [n, word] of words.entries()) {
      b.if(b.geU(room, b.i64(n)), () => i.store(i.wrap(b.add(address, b.i64(n * 8))), i.f.b2, b.big(word), 8));
    }
    i.set64(0, b.deposit(i.get64(0), 0, 8, b.i64(words.length - 1)));
    i.setCcValue(b.select(b.ltU(room, b.i64(words.length - 1)), b.i32(3), b.i32(0)));
  };

/** ECAG: nothing is told of caches: all ones says that the attribute is not provided. */
const extractCpuAttribute: Emitter = (i) => i.set64(i.f.r1, i.b.i64x(-1, -1));

export function identificationSemantics(config: CpuConfig, helpers: PortHelpers): Readonly<Record<string, Emitter>> {
  return {
    servc: serviceCall(helpers),
    diag: diagnose(helpers),
    stsi: storeSystemInformation(helpers),
    sigp: signalProcessor(helpers),
    stap: storeCpuAddress(),
    stidp: storeCpuId(helpers),
    stfl: storeFacilities(config),
    stfle: storeFacilitiesExtended(config),
    ecag: extractCpuAttribute,
  };
}
