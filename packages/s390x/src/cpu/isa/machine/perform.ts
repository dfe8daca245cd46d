/** How instructions ask the machine to perform them. Principles of Operation, SA22-7832. */
import { defineHelper, ENGINE, type Value } from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import { hostOf, LOAD, leaveOnFault, STORE } from '../../memory.ts';
import { block, prefix } from '../../state.ts';
import { type Insn, slotOf } from '../insn.ts';
import type { PortHelpers } from '../port.ts';

/** Performs an instruction and takes its outcome: a condition code, or a program interruption. */
export function perform(i: Insn, helpers: PortHelpers, kind: number, ...args: readonly Value[]): Value {
  const { b } = i;
  const none = b.i64(0);
  const outcome = b.local(
    'i32',
    b.call(helpers.machine, b.i32(kind), args[0] ?? none, args[1] ?? none, args[2] ?? none),
  );
  b.if(b.geS(b.getLocal(outcome), b.i32(0x1_0000)), () => {
    const codes = [PGM.operation, PGM.privileged, PGM.addressing, PGM.specification, PGM.data, PGM.operand];
    for (const code of codes) {
      b.if(b.eq(b.and(b.getLocal(outcome), b.i32(0xffff)), b.i32(code)), () => i.raise(code));
    }
  });
  return b.getLocal(outcome);
}

/** Ends an instruction whose condition code is the outcome: what it did may be an interruption. */
export function finish(i: Insn, outcome: Value): void {
  i.setCcValue(outcome);
  i.b.requestExit();
  i.exit();
}

/** Reads an operand block into the slots, big-endian as it is in storage: doublewords and a last word. */
export function readBlock(i: Insn, address: Value, bytes: number): void {
  const { b } = i;
  for (let at = 0; at < bytes; at += 8) {
    const size = bytes - at >= 8 ? 8 : 4;
    const value = i.load(i.wrap(b.add(address, b.i64(at))), i.f.b2, size);
    b.set(slotOf(block, at / 8), size === 8 ? value : b.shl(value, b.i64(32)));
  }
}

/** Writes it back. */
export function writeBlock(i: Insn, address: Value, bytes: number): void {
  const { b } = i;
  for (let at = 0; at < bytes; at += 8) {
    const value = b.get(slotOf(block, at / 8));
    const size = bytes - at >= 8 ? 8 : 4;
    i.store(i.wrap(b.add(address, b.i64(at))), i.f.b2, size === 8 ? value : b.shr(value, b.i64(32)), size);
  }
}

/** (va of a page, regime) -> its absolute address; it must be possible to write. */
export const absolutePage = defineHelper('s390_page', ['i64', 'i32'], 'i64', (b, va, mmu) => {
  b.call(ENGINE.probe, va, b.i32(4096), b.i32(STORE), mmu);
  leaveOnFault(b, b.i64(0));
  b.call(ENGINE.translate, va, b.i32(STORE), mmu);
  leaveOnFault(b, b.i64(0));
  return hostOf(b, { at: b.local('i64', va), access: LOAD, mmu }, b.i64(0));
});

/** (offset, word): stores into the prefix area. No protection applies. */
export const storeLow = defineHelper('s390_store_low', ['i64', 'i64'], undefined, (b, offset, word) => {
  b.hostStore(b.add(b.ramHost(b.get(prefix)), offset), word, { size: 4, endian: 'big' });
});
