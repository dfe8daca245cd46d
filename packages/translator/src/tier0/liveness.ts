/** What an instruction's lowering to tier 0 needs to know: how long each value is needed, and where slots change. */
import { isKind, type Node } from '../ir/nodes.ts';
import type { Slot } from '../ir/types.ts';
import { isLazy } from './fusing.ts';

/** Positions of the statements of a loop. */
interface LoopRange {
  readonly start: number;
  readonly end: number;
}

/** Most statements: what writes no slot or local and holds no others. */
function isPlain({ kind }: Node): boolean {
  return kind === 'get' || kind === 'pure' || kind === 'load' || kind === 'store' || kind === 'insn';
}

const NO_LOOPS: readonly LoopRange[] = [];

/** Numbers the statements of one instruction (`position` of its nodes) and finds where each value is last used (`last`). */
export class Liveness {
  /** Slots and locals that are written, in order, and the position of each write. There are few: a list is quicker than a map. */
  readonly #written: (Slot | Node)[] = [];
  readonly #writes: number[] = [];
  #writeCount = 0;
  /** Positions of calls, which write any slot. */
  readonly #calls: number[] = [];
  #callCount = 0;
  #position = 0;

  /** Takes in the statements of an instruction. */
  analyse(statements: readonly Node[]): void {
    this.#position = 0;
    this.#writeCount = 0;
    this.#callCount = 0;
    this.#number(statements);
    this.#findLastUses(statements, NO_LOOPS);
  }

  #number(statements: readonly Node[]): void {
    for (let i = 0; i < statements.length; i++) {
      const node = statements[i];
      if (node === undefined) continue;
      node.position = this.#position++;
      node.last = -1;
      node.mark = -1;
      if (isPlain(node)) continue;
      const d = node.detail;
      if (d.kind === 'set') this.#noteWrite(d.slot.whole ?? d.slot, node.position);
      else if (d.kind === 'setLocal') this.#noteWrite(d.local, node.position);
      else if (d.kind === 'local') this.#noteWrite(node, node.position);
      else if (d.kind === 'call') this.#calls[this.#callCount++] = node.position;
      else if (d.kind === 'if') {
        this.#number(d.taken);
        this.#number(d.otherwise);
      } else if (d.kind === 'loop') {
        this.#number(d.body);
        this.#position++;
      }
    }
  }

  #noteWrite(place: Slot | Node, position: number): void {
    this.#written[this.#writeCount] = place;
    this.#writes[this.#writeCount++] = position;
  }

  /** Backwards: at which position the value of each node is last needed; `loops` are those around, outermost first. */
  #findLastUses(statements: readonly Node[], loops: readonly LoopRange[]): void {
    for (let i = statements.length - 1; i >= 0; i--) {
      const node = statements[i];
      if (node === undefined) continue;
      if (isKind(node, 'if')) {
        this.#findLastUses(node.detail.otherwise, loops);
        this.#findLastUses(node.detail.taken, loops);
      } else if (isKind(node, 'loop')) {
        const { body } = node.detail;
        const last = body.at(-1)?.position ?? node.position;
        this.#findLastUses(body, [...loops, { start: node.position, end: lastPosition(body, last) + 1 }]);
      }
      const use = isLazy(node) ? node.last : node.position;
      const { args } = node;
      for (let n = 0; n < args.length; n++) {
        const arg = args[n];
        if (arg === undefined) continue;
        const needed = loops.length === 0 ? use : neededUntil(arg, use, loops);
        if (needed > arg.last) arg.last = needed;
      }
    }
  }

  /** Whether a slot or local read at `from` still holds its value at `to`. */
  unchanged(place: Slot | Node, from: number, to: number, bySlot: boolean): boolean {
    for (let i = 0; i < this.#writeCount; i++) {
      const p = this.#writes[i] ?? 0;
      if (p > from && p < to && this.#written[i] === place) return false;
    }
    if (!bySlot) return true;
    for (let i = 0; i < this.#callCount; i++) {
      const p = this.#calls[i] ?? 0;
      if (p > from && p < to) return false;
    }
    return true;
  }
}

/** What comes from before a loop is needed until its last round. */
function neededUntil(arg: Node, use: number, loops: readonly LoopRange[]): number {
  const around = loops.find((l) => arg.position < l.start);
  return around === undefined ? use : Math.max(use, around.end);
}

function lastPosition(statements: readonly Node[], otherwise: number): number {
  let last = otherwise;
  for (const node of statements) {
    if (node.position > last) last = node.position;
    const d = node.detail;
    if (d.kind === 'if') last = Math.max(lastPosition(d.taken, last), lastPosition(d.otherwise, last));
    else if (d.kind === 'loop') last = lastPosition(d.body, last);
  }
  return last;
}
