/**
 * The nodes of the intermediate code: values (each assigned once) and statements, in lists. Control flow inside an
 * instruction or a helper is structured (`if`, `loop`), so that every tier can use it as it is.
 */
import type { Helper } from './helper.ts';
import type { PureOp } from './ops.ts';
import type { Slot, Ty } from './types.ts';

/** Bytes of an access. */
export type AccessSize = 1 | 2 | 4 | 8 | 16;

/** How a guest memory access is made. */
export interface MemAccess {
  /** Bytes: 1, 2, 4 or 8 of an integer, 16 of a vector. */
  readonly size: AccessSize;
  /** Loads: extend the sign to the type of the result. */
  readonly signed: boolean;
  readonly endian: 'little' | 'big';
  /** `natural`: an address that is no multiple of the size faults; `any`: it works, slower. */
  readonly align: 'any' | 'natural';
  /** Translation regime: the frontend's numbering. */
  readonly mmu: number;
}

/** Operation of an atomic read-modify-write; S and U: signed and unsigned. */
export type RmwOp = 'add' | 'and' | 'or' | 'xor' | 'swap' | 'minS' | 'maxS' | 'minU' | 'maxU';

export type Detail =
  | { readonly kind: 'const' }
  | { readonly kind: 'pure'; readonly op: PureOp }
  | { readonly kind: 'get'; readonly slot: Slot }
  | { readonly kind: 'set'; readonly slot: Slot }
  | { readonly kind: 'local' }
  | { readonly kind: 'getLocal'; readonly local: Node }
  | { readonly kind: 'setLocal'; readonly local: Node }
  | { readonly kind: 'param'; readonly index: number }
  | { readonly kind: 'load'; readonly access: MemAccess }
  | { readonly kind: 'store'; readonly access: MemAccess }
  | { readonly kind: 'rmw'; readonly access: MemAccess; readonly op: RmwOp }
  | { readonly kind: 'cas'; readonly access: MemAccess }
  | { readonly kind: 'probe'; readonly mmu: number; readonly write: boolean }
  | { readonly kind: 'hostLoad'; readonly access: MemAccess }
  | { readonly kind: 'hostStore'; readonly access: MemAccess }
  | { readonly kind: 'hostFill' }
  | { readonly kind: 'hostFence' }
  | { readonly kind: 'hostRmw'; readonly op: RmwOp; readonly size: 1 | 2 | 4 | 8 }
  | { readonly kind: 'hostCas'; readonly size: 1 | 2 | 4 | 8 }
  | { readonly kind: 'cpuBase' }
  | { readonly kind: 'count' }
  | { readonly kind: 'call'; readonly helper: Helper; readonly faults?: boolean }
  | { readonly kind: 'if'; readonly taken: readonly Node[]; readonly otherwise: readonly Node[] }
  | { readonly kind: 'loop'; readonly body: readonly Node[] }
  | { readonly kind: 'breakIf' }
  | { readonly kind: 'return' }
  | InsnMarker
  | BlockEnd;

/** Opens an instruction: its pc and what must be restored to restart it. */
export interface InsnMarker {
  readonly kind: 'insn';
  readonly pcLo: number;
  readonly pcHi: number;
  readonly restart: readonly number[];
}

/** How a block, or a path through an instruction, ends. */
export type BlockEnd =
  | { readonly kind: 'goto'; readonly pcLo: number; readonly pcHi: number }
  | {
      readonly kind: 'gotoIf';
      readonly takenLo: number;
      readonly takenHi: number;
      readonly fallLo: number;
      readonly fallHi: number;
    }
  | { readonly kind: 'gotoIndirect' }
  | { readonly kind: 'raise' }
  | { readonly kind: 'lookup' }
  | { readonly kind: 'halt' };

export type Kind = Detail['kind'];

/** Of constants that are addresses of code: what they are depends on where the code runs. */
export const ADDRESS: Detail = { kind: 'const' };

/** Kinds of `BlockEnd`. */
export const BLOCK_ENDS: ReadonlySet<Kind> = new Set<BlockEnd['kind']>([
  'goto',
  'gotoIf',
  'gotoIndirect',
  'raise',
  'lookup',
  'halt',
]);

/** A node of one kind, with the detail of that. */
export type NodeOf<K extends Kind> = Node & { readonly detail: Extract<Detail, { readonly kind: K }> };

/** Whether a node is of a kind. Asking the node costs a load, where its detail, of which there are two dozen shapes, costs a search. */
export function isKind<K extends Kind>(node: Node | undefined, kind: K): node is NodeOf<K> {
  return node?.kind === kind;
}

const NONE: readonly Node[] = [];

/** A value or a statement. Builders make them; passes read them. */
export class Node {
  readonly detail: Detail;
  /** What the detail says first, and the operation of a pure value: details have many shapes, and looking into one costs a search. */
  readonly kind: Kind;
  readonly op: PureOp | undefined;
  /** Type of the value, undefined for a statement. */
  readonly type: Ty | undefined;
  readonly args: readonly Node[];
  /** Constants: low and high 32 bits of the value (floats as their bits). */
  readonly lo: number;
  readonly hi: number;
  /** How many operands name this value. */
  uses = 0;
  /** Scratch for the pass that runs: the local or slot that holds the value, its position, that of its last use. */
  mark = -1;
  position = -1;
  last = -1;
  /** The same, in tier 1: not 0 where the local that holds the value is an i32, to be extended so (tier1/extension.ts). */
  extension = 0;
  /** Where the high half alone is that of the local (`KEEP`): the i32 local of the low half. */
  low = -1;

  constructor(detail: Detail, type: Ty | undefined, args: readonly Node[] = NONE, lo = 0, hi = 0) {
    this.detail = detail;
    this.kind = detail.kind;
    this.op = detail.kind === 'pure' ? detail.op : undefined;
    this.type = type;
    this.args = args;
    this.lo = lo;
    this.hi = hi;
    // An index is quicker than an iterator until the host has optimised this, which is late.
    for (let i = 0; i < args.length; i++) (args[i] as Node).uses++;
  }

  /** Type of a value; throws for a statement. */
  get ty(): Ty {
    if (this.type === undefined) throw new Error(`${this.detail.kind} has no value`);
    return this.type;
  }
}
