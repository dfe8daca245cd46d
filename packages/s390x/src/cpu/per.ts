/**
 * Program-event recording of instruction fetches and successful branches, which single steps of programs are made of, and of storage
 * alteration, which is how debuggers watch data. Principles of Operation, SA22-7832, chapter "Control", "Program-Event Recording". Where
 * the PSW and control register 9 ask for it each instruction is a block of its own: before it, it is noted; after it, what it was is an
 * interruption. Stores into the range are found as those that a debugger watches are; the processor adds the event to the note.
 */
import { defineHelper, type IrBuilder, type IrHelper, type Value } from '@boardwalk/translator';
import { IRQ, LOWCORE, PER, PGM, PSW } from './bits.ts';
import { common, cr, per, pswMask } from './state.ts';

const [CONTROL, START, END] = [cr[9], cr[10], cr[11]];
if (CONTROL === undefined || START === undefined || END === undefined) throw new Error('no control registers 9 to 11');
const [control, start, end] = [CONTROL, START, END];

/** Events as the interruption tells them: the left bits of the PER code. */
const CODE_BRANCH = 0x80;
const CODE_FETCH = 0x40;
export const CODE_STORE = 0x20;

const pendingAt = (b: IrBuilder): Value => b.add(b.cpuBase(), b.i32(common.pendingIrq.offset));
const bit = (b: IrBuilder, word: Value, mask: bigint): Value => b.ne(b.and(word, b.big(mask)), b.i64(0));

/** Whether the PSW and control register 9 ask for events of these kinds. */
export function isWatching(b: IrBuilder): Value {
  return b.and(bit(b, b.get(pswMask), PSW.PER), bit(b, b.get(control), PER.BRANCH | PER.FETCH | PER.STORE));
}

/** Whether an address is in the range that control registers 10 and 11 designate, which may go round the end of storage. */
function inRange(b: IrBuilder, address: Value): Value {
  const [first, last] = [b.get(start), b.get(end)];
  const [above, below] = [b.geU(address, first), b.geU(last, address)];
  return b.select(b.geU(last, first), b.and(above, below), b.or(above, below));
}

/** (address of the instruction, its length, whether it branches): notes it. */
export const noteInstruction: IrHelper = defineHelper(
  's390_per_note',
  ['i64', 'i32', 'i32'],
  undefined,
  (b, address, length, branches) => {
    const asked = b.get(control);
    const fetch = b.and(bit(b, asked, PER.FETCH), inRange(b, address));
    const events = b.or(
      b.select(b.and(branches, bit(b, asked, PER.BRANCH)), b.i32(CODE_BRANCH), b.i32(0)),
      b.select(fetch, b.i32(CODE_FETCH), b.i32(0)),
    );
    b.if(b.eqz(b.or(events, bit(b, asked, PER.STORE))), () => b.return_());
    b.set(per.address, address);
    b.set(per.length, length);
    b.set(per.mask, b.get(pswMask));
    b.set(per.events, events);
    // A store that is an event makes it pending by itself.
    b.if(b.eqz(events), () => b.return_());
    b.hostRmw('or', pendingAt(b), b.i64(IRQ.per), 4);
  },
);

/** Whether stores into the range are events. */
export function watchesStores(b: IrBuilder): Value {
  return bit(b, b.get(control), PER.STORE);
}

/** Forgets a note: the instruction ended by an exception that nullifies it, or which tells the event itself. */
export function forgetInstruction(b: IrBuilder): void {
  b.hostRmw('and', pendingAt(b), b.i64(~IRQ.per >>> 0), 4);
}

/** Events of the instruction that was noted and is complete: what of it has happened. */
function happened(b: IrBuilder): Value {
  const pc = b.get(common.pc);
  const isBranch = b.ne(pc, b.add(b.get(per.address), b.extend32U(b.get(per.length))));
  const isMeant = b.or(b.eqz(bit(b, b.get(control), PER.BRANCH_ADDRESS)), inRange(b, pc));
  const branch = b.select(b.and(isBranch, isMeant), b.i32(CODE_BRANCH), b.i32(0));
  return b.and(b.get(per.events), b.or(b.i32(CODE_FETCH | CODE_STORE), branch));
}

/**
 * () -> 1 where the instruction that has just been executed is an event: what the interruption tells of it is in the prefix area then,
 * whose host offset is the argument, but for the PSWs.
 */
export const takeEvent: IrHelper = defineHelper('s390_per', ['i64'], 'i32', (b, area) => {
  forgetInstruction(b);
  const events = b.local('i32', happened(b));
  b.if(b.eqz(b.getLocal(events)), () => b.return_(b.i32(0)));
  storeEvent(b, area, b.getLocal(events));
  const length = b.shl(b.get(per.length), b.i32(16));
  b.hostStore(b.add(area, b.i64(LOWCORE.programLength)), b.or(length, b.i32(PGM.per)), { size: 4, endian: 'big' });
  return b.i32(1);
});

/** PER code, addressing-and-translation-mode identification, and the instruction's address. */
function storeEvent(b: IrBuilder, area: Value, events: Value): void {
  const mask = b.get(per.mask);
  const flag = (which: bigint, as: number): Value => b.select(bit(b, mask, which), b.i32(as), b.i32(0));
  const space = b.shl(b.wrap(b.extract(mask, PSW.AS_SHIFT, 2)), b.i32(2));
  const modes = [flag(PSW.EXTENDED, 0x80), b.i32(0x40), flag(PSW.BASIC, 0x20), flag(PSW.DAT, 0x10)];
  const mode = modes.reduce((all, one) => b.or(all, one), space);
  const code = b.or(b.shl(events, b.i32(8)), mode);
  b.hostStore(b.add(area, b.i64(LOWCORE.perCode)), code, { size: 2, endian: 'big' });
  b.hostStore(b.add(area, b.i64(LOWCORE.perAddress)), b.get(per.address), { size: 8, endian: 'big' });
  b.hostStore(b.add(area, b.i64(LOWCORE.perAccessId)), b.i32(0), { size: 1 });
}

/** Where an exception completes, suppresses or ends the instruction that was noted, it tells the event too: () -> bits of its code. */
export const eventWithException: IrHelper = defineHelper('s390_per_exception', ['i64'], 'i32', (b, area) => {
  b.if(b.eqz(b.and(b.get(common.pendingIrq), b.i32(IRQ.per))), () => b.return_(b.i32(0)));
  forgetInstruction(b);
  const fetch = b.and(b.get(per.events), b.i32(CODE_FETCH));
  b.if(b.eqz(fetch), () => b.return_(b.i32(0)));
  storeEvent(b, area, fetch);
  return b.i32(PGM.per);
});
