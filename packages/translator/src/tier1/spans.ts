/**
 * Which accesses of a region are compared with the span of their regime (softmmu/spans.ts) in place of a look into the TLB: those
 * of instructions that have not often missed it.
 */
import { isKind, type Node } from '../ir/nodes.ts';
import type { RegionNode } from './region.ts';

export interface SpanSource {
  /** The span that a regime has for loads or stores now. */
  spanOf(mmu: number, store: boolean): Span | undefined;
  /** Whether an instruction's accesses are often outside the span. */
  isScattered(node: RegionNode, insn: number): boolean;
}

/** A regime's span for loads or stores. */
export interface SpanKind {
  readonly mmu: number;
  readonly store: boolean;
}

/** Low and high half of a 64-bit number. */
export type Halves = readonly [lo: number, hi: number];

/** A span: its first address, how many there are, and what has to be added to one for its host offset. */
export interface Span {
  readonly first: Halves;
  readonly count: Halves;
  readonly addend: Halves;
}

/** A span that code was made for. */
export interface UsedSpan extends SpanKind {
  readonly span: Span;
}

export function sameSpan(a: Span | undefined, b: Span | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (['first', 'count', 'addend'] as const).every((k) => a[k][0] === b[k][0] && a[k][1] === b[k][1]);
}

export class SpannedAccesses {
  readonly #source: SpanSource;
  readonly #spans = new Map<number, UsedSpan | undefined>();

  constructor(nodes: readonly RegionNode[], source: SpanSource) {
    this.#source = source;
    for (const node of nodes) {
      for (const [index, insn] of node.code.insns.entries()) {
        if (source.isScattered(node, index)) continue;
        for (const statement of insn) {
          const kind = spanKindOf(statement);
          if (kind === undefined || this.#spans.has(numberOf(kind))) continue;
          const span = source.spanOf(kind.mmu, kind.store);
          this.#spans.set(numberOf(kind), span === undefined || !isEven(span) ? undefined : { ...kind, span });
        }
      }
    }
  }

  /** The spans that are compared with. */
  get used(): readonly UsedSpan[] {
    return [...this.#spans.values()].filter((used) => used !== undefined);
  }

  /** The span that an instruction's accesses of a kind are compared with. */
  of(node: RegionNode, insn: number, kind: SpanKind): Span | undefined {
    const used = this.#spans.get(numberOf(kind));
    return used === undefined || this.#source.isScattered(node, insn) ? undefined : used.span;
  }
}

/** Whether what is aligned can be told from how far it is from the first address. */
function isEven({ first }: Span): boolean {
  return (first[0] & 15) === 0;
}

function numberOf({ mmu, store }: SpanKind): number {
  return mmu * 2 + (store ? 1 : 0);
}

/** The span that a statement's access may be compared with. */
export function spanKindOf(access: Node): SpanKind | undefined {
  if (!isKind(access, 'load') && !isKind(access, 'store')) return undefined;
  return { mmu: access.detail.access.mmu, store: access.kind === 'store' };
}
