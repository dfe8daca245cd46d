/**
 * Which accesses of a region are compared with the span of their regime (softmmu/spans.ts) in place of a look into the TLB: those
 * of instructions that have not often missed it.
 */
import type { Node } from '../ir/nodes.ts';
import type { RegionNode } from './region.ts';

export interface SpanSource {
  /** Whether a regime has a span for loads or stores now. */
  hasSpan(mmu: number, store: boolean): boolean;
  /** Whether an instruction's accesses are often outside the span. */
  isScattered(node: RegionNode, insn: number): boolean;
}

/** A regime's span for loads or stores. */
export interface SpanKind {
  readonly mmu: number;
  readonly store: boolean;
}

export class SpannedAccesses {
  readonly #source: SpanSource;
  /** The spans that are compared with. */
  readonly used: readonly SpanKind[];

  constructor(nodes: readonly RegionNode[], source: SpanSource) {
    this.#source = source;
    const used = new Map<number, SpanKind>();
    for (const node of nodes) {
      for (const [index, insn] of node.code.insns.entries()) {
        for (const statement of insn) {
          const kind = kindOf(statement);
          if (kind !== undefined && this.has(node, index, kind)) used.set(kind.mmu * 2 + (kind.store ? 1 : 0), kind);
        }
      }
    }
    this.used = [...used.values()];
  }

  /** Whether an instruction's accesses of a kind are compared. */
  has(node: RegionNode, insn: number, { mmu, store }: SpanKind): boolean {
    return this.#source.hasSpan(mmu, store) && !this.#source.isScattered(node, insn);
  }
}

function kindOf({ detail: d }: Node): SpanKind | undefined {
  if (d.kind !== 'load' && d.kind !== 'store') return undefined;
  return { mmu: d.access.mmu, store: d.kind === 'store' };
}
