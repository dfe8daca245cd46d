/**
 * What tier 1 knows of a block from its IR: which instructions it can compile, how the block ends, which slots it touches.
 *
 * An access that needs the slow path leaves the region: tier 0 repeats the instruction from its start. So nothing that an
 * instruction does before such an access may be seen: its settings of slots are put off to its end, stores may be repeated,
 * and an instruction that cannot be written so is always left to tier 0.
 */
import type { Helper } from '../ir/helper.ts';
import { BLOCK_ENDS, type BlockEnd, isKind, type Node } from '../ir/nodes.ts';
import { pureOp } from '../ir/ops.ts';
import type { Slot } from '../ir/types.ts';
import { COMMON, FIRST_FIELD } from '../state.ts';
import { helperEffects } from './effects.ts';
import { type Definition, define } from './extension.ts';

/** How a block ends, for tier 1. */
export type Terminal =
  /** Tier 0 goes on with the instruction of this number. */
  | { readonly kind: 'leave'; readonly insn: number }
  | { readonly kind: 'end'; readonly end: BlockEnd; readonly args: readonly Node[] }
  /** No block at all: control goes to the entry that was asked for, the node's edge of that number. */
  | { readonly kind: 'dispatch' };

/** Code of the node in front of a region's entries. */
export const DISPATCH: BlockCode = {
  insns: [],
  terminal: { kind: 'dispatch' },
  mode: undefined,
  touched: new Set(),
  modified: new Set(),
  exposed: new Set(),
  defined: new Set(),
  isSlow: false,
  helped: new Set(),
  definitions: [],
  constants: new Set(),
};

export interface BlockCode {
  /** Statements of each instruction before the terminal, without markers and the end itself. */
  readonly insns: readonly (readonly Node[])[];
  readonly terminal: Terminal;
  /** Mode word after the block; undefined if the block computes it. */
  readonly mode: number | undefined;
  /** Slots of the architecture that the block reads or writes, and those that it may write. */
  readonly touched: ReadonlySet<Slot>;
  readonly modified: ReadonlySet<Slot>;
  /** Slots read before the block sets them, and those set on every path. */
  readonly exposed: ReadonlySet<Slot>;
  readonly defined: ReadonlySet<Slot>;
  /** An instruction may be left to tier 0. */
  readonly isSlow: boolean;
  /** Slots that helpers which the block calls read or write. */
  readonly helped: ReadonlySet<Slot>;
  /** What the block sets its 64-bit slots to, in order. */
  readonly definitions: readonly Definition[];
  /** 64-bit constants and addresses, as `hi:lo`, that the last instruction sets or stores: a return address may be among them. */
  readonly constants: ReadonlySet<string>;
}

/** Whether a slot is kept in a local: the engine's own words are not. */
export function isKept(slot: Slot): boolean {
  return slot.offset >= FIRST_FIELD;
}

/** Text of a 64-bit number, for comparing addresses. */
export function pcKey(lo: number, hi: number): string {
  return `${hi}:${lo}`;
}

/**
 * Looks at a block's statements.
 *
 * @param isThreaded vCPUs run on threads: an atomic access of 16 bytes waits for the others, which no region may
 */
export function analyzeBlock(statements: readonly Node[], mode: number, isThreaded: boolean): BlockCode {
  const list = splitInstructions(statements);
  const insns: (readonly Node[])[] = [];
  let terminal: Terminal = { kind: 'leave', insn: 0 };
  for (const [index, insn] of list.entries()) {
    const last = insn.at(-1);
    const end = index === list.length - 1 ? last?.detail : undefined;
    const rest = end === undefined || !isBlockEnd(end) ? insn : insn.slice(0, -1);
    terminal = { kind: 'leave', insn: index };
    if (mustLeave(rest) || (isThreaded && rest.some(isWideAtomic))) break;
    if (end !== undefined && isBlockEnd(end)) {
      if (end.kind !== 'goto' && end.kind !== 'gotoIf' && end.kind !== 'gotoIndirect') break;
      terminal = { kind: 'end', end, args: last?.args ?? [] };
    } else if (index === list.length - 1) break;
    insns.push(rest);
  }
  const slots = new BlockSlots();
  for (const insn of insns) slots.instruction(insn);
  const { touched, modified, exposed, defined, isSlow, helped } = slots;
  const constants = new Set<string>();
  if (terminal.kind === 'end') collectConstants(insns.at(-1) ?? [], constants);
  return {
    insns,
    terminal,
    mode: modeAfter(insns, mode),
    touched,
    modified,
    exposed,
    defined,
    isSlow,
    helped,
    definitions: slots.definitions,
    constants,
  };
}

function splitInstructions(statements: readonly Node[]): Node[][] {
  const list: Node[][] = [];
  for (const node of statements) {
    if (node.kind === 'insn') list.push([]);
    else list.at(-1)?.push(node);
  }
  return list;
}

function isBlockEnd(d: Node['detail']): d is BlockEnd {
  return BLOCK_ENDS.has(d.kind);
}

/** What an instruction has done so far. */
class Progress {
  /** Something that must not be done twice. */
  done = false;
  stored = false;
  readonly set = new Set<Slot>();
}

function isWideAtomic(node: Node): boolean {
  return (isKind(node, 'rmw') || isKind(node, 'cas')) && node.detail.access.size === 16;
}

/** Whether an instruction is one for tier 0. */
function mustLeave(statements: readonly Node[]): boolean {
  const progress = new Progress();
  return !statements.every((node) => isCompiled(node, progress));
}

function isCompiled(node: Node, p: Progress): boolean {
  const d = node.detail;
  switch (d.kind) {
    case 'load':
    case 'probe':
      return !p.done && !p.stored;
    case 'store': {
      const fine = !p.done;
      p.stored = true;
      return fine;
    }
    case 'rmw':
    case 'cas': {
      const fine = !p.done && !p.stored;
      p.done = true;
      return fine;
    }
    case 'if':
      return isBranchCompiled(d.taken, p) && isBranchCompiled(d.otherwise, p);
    case 'loop':
      return isListCompiled(d.body, p);
    default:
      return isSimple(node, p);
  }
}

/** A path through an instruction: all of it compiled, or one that ends the block, which is tier 0's. */
function isBranchCompiled(list: readonly Node[], p: Progress): boolean {
  return endsBlock(list) ? !p.done : isListCompiled(list, p);
}

/** A path that ends the block. */
export function endsBlock(list: readonly Node[]): boolean {
  const last = list.at(-1);
  return last !== undefined && isBlockEnd(last.detail);
}

/** Nested statements: no memory accesses. */
function isListCompiled(list: readonly Node[], p: Progress): boolean {
  return list.every((node) => {
    const d = node.detail;
    if (d.kind === 'if') return isBranchCompiled(d.taken, p) && isBranchCompiled(d.otherwise, p);
    if (d.kind === 'loop') return isListCompiled(d.body, p);
    return isSimple(node, p);
  });
}

function isSimple(node: Node, p: Progress): boolean {
  const d = node.detail;
  switch (d.kind) {
    case 'set':
      if (isKept(d.slot)) p.set.add(d.slot);
      else if (node.args[0]?.kind !== 'const') p.done = true;
      return true;
    case 'call': {
      const effects = helperEffects(d.helper);
      if (effects === undefined) return false;
      for (const slot of p.set) if (effects.reads.has(slot) || effects.writes.has(slot)) return false;
      if (effects.writes.size > 0) p.done = true;
      return true;
    }
    case 'pure':
    case 'get':
    case 'local':
    case 'getLocal':
    case 'setLocal':
    case 'breakIf':
    case 'count':
    case 'cpuBase':
      return true;
    default:
      return false;
  }
}

/** Collects the slots of a block, instruction by instruction. */
class BlockSlots {
  readonly touched = new Set<Slot>();
  readonly modified = new Set<Slot>();
  readonly exposed = new Set<Slot>();
  readonly defined = new Set<Slot>();
  readonly definitions: Definition[] = [];
  isSlow = false;
  #insn = 0;

  instruction(list: readonly Node[]): void {
    const set = new Set<Slot>();
    const conditional = new Set<Slot>();
    if (this.#list(list, set, conditional, true)) this.isSlow = true;
    for (const slot of set) {
      this.modified.add(slot);
      this.defined.add(slot);
    }
    for (const slot of conditional) this.modified.add(slot);
    this.#insn++;
  }

  /** True if tier 0 may be left to. */
  #list(list: readonly Node[], set: Set<Slot>, conditional: Set<Slot>, isTop: boolean): boolean {
    let leaves = false;
    for (const node of list) {
      const d = node.detail;
      if (d.kind === 'get') this.#read(d.slot);
      else if (d.kind === 'set') this.#write(d.slot, node.args[0], set, conditional, isTop);
      else if (d.kind === 'if') {
        for (const path of [d.taken, d.otherwise]) {
          // A path that ends the block is not compiled.
          if (endsBlock(path)) leaves = true;
          else if (this.#list(path, set, conditional, false)) leaves = true;
        }
      } else if (d.kind === 'loop') {
        if (this.#list(d.body, set, conditional, false)) leaves = true;
      } else if (d.kind === 'call') this.#call(node, d.helper);
      else if (ACCESSES.has(d.kind)) leaves = true;
    }
    return leaves;
  }

  #read(slot: Slot): void {
    if (!isKept(slot)) return;
    this.touched.add(slot);
    if (!this.defined.has(slot)) this.exposed.add(slot);
  }

  #write(slot: Slot, value: Node | undefined, set: Set<Slot>, conditional: Set<Slot>, isTop: boolean): void {
    if (!isKept(slot)) return;
    this.touched.add(slot);
    if (value?.type === 'i64') this.definitions.push(define(slot, value, this.#insn, isTop));
    if (isTop) {
      set.add(slot);
      return;
    }
    // Where the path is not taken the slot keeps its value.
    this.#read(slot);
    conditional.add(slot);
  }

  /** Slots that a helper uses go through memory, with what their locals hold. */
  #call(node: Node, helper: Helper): void {
    const effects = helperEffects(helper);
    for (const slot of [...(effects?.reads ?? []), ...(effects?.writes ?? [])]) this.helped.add(slot);
    for (const slot of effects?.writes ?? []) {
      if (slot.ty === 'i64') this.definitions.push(define(slot, node, this.#insn, false));
    }
  }

  readonly helped = new Set<Slot>();
}

/** Whether an instruction may be left to tier 0, in a block that is compiled. */
export function leavesAt(insn: readonly Node[]): boolean {
  return insn.some(
    ({ detail: d }) => ACCESSES.has(d.kind) || (d.kind === 'if' && (endsPath(d.taken) || endsPath(d.otherwise))),
  );
}

/** A path that ends the block, or one inside it that does. */
function endsPath(list: readonly Node[]): boolean {
  return endsBlock(list) || leavesAt(list);
}

/** What accesses guest memory. */
export const ACCESSES: ReadonlySet<Node['kind']> = new Set(['load', 'store', 'rmw', 'cas', 'probe']);

function collectConstants(insn: readonly Node[], into: Set<string>): void {
  for (const node of insn) {
    const d = node.detail;
    if (d.kind !== 'set' && d.kind !== 'store') continue;
    const set = node.args.at(-1);
    const value = constantOf(set);
    if (value === undefined) continue;
    into.add(pcKey(value.lo, value.hi));
    // A 32-bit architecture's addresses are zero-extended.
    if (set?.ty === 'i32') into.add(pcKey(value.lo, 0));
  }
}

const WRAP = pureOp('wrap');

/** The constant that a value is, or that it has more than the page of the code that runs. */
export function constantOf(value: Node | undefined): Node | undefined {
  if (isKind(value, 'const')) return value;
  if (value?.op === WRAP) return constantOf(value.args[0]);
  const [page, offset] = value?.args ?? [];
  const isAddress = isKind(page, 'get') && page.detail.slot === COMMON.codePage;
  return isAddress && isKind(offset, 'const') ? offset : undefined;
}

/** The mode word after a block that starts in `mode`, if `extra` stays: only top-level constants are followed. */
function modeAfter(insns: readonly (readonly Node[])[], mode: number): number | undefined {
  let after: number | undefined = mode;
  for (const insn of insns) {
    for (const node of insn) {
      if (setsExtra(node)) return undefined;
      if (isModeSet(node)) {
        const value = node.args[0];
        after = isKind(value, 'const') ? value.lo : undefined;
      } else if (setsMode(node)) after = undefined;
    }
  }
  return after;
}

const EXTRA: ReadonlySet<Slot> = new Set([COMMON.extra, COMMON.extraLo, COMMON.extraHi]);

/** What is done on the paths that go on in the block. */
function goingOn({
  taken,
  otherwise,
}: {
  readonly taken: readonly Node[];
  readonly otherwise: readonly Node[];
}): Node[] {
  return [taken, otherwise].flatMap((path) => (endsBlock(path) ? [] : path));
}

/** Whether the second word of the block's key may be another one afterwards. */
function setsExtra(node: Node): boolean {
  if (isKind(node, 'if')) return goingOn(node.detail).some(setsExtra);
  if (isKind(node, 'loop')) return node.detail.body.some(setsExtra);
  if (isKind(node, 'set')) return EXTRA.has(node.detail.slot);
  const writes = isKind(node, 'call') ? helperEffects(node.detail.helper)?.writes : undefined;
  return writes !== undefined && [...EXTRA].some((slot) => writes.has(slot));
}

function setsMode(node: Node): boolean {
  if (isKind(node, 'if')) return goingOn(node.detail).some((n) => isModeSet(n) || setsMode(n));
  if (isKind(node, 'loop')) return node.detail.body.some((n) => isModeSet(n) || setsMode(n));
  return isKind(node, 'call') && helperEffects(node.detail.helper)?.writes.has(COMMON.mode) === true;
}

function isModeSet(node: Node): boolean {
  return isKind(node, 'set') && node.detail.slot === COMMON.mode;
}
