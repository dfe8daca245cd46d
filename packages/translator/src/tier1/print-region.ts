/**
 * The text form of a region: a line for each node in the order of its code, with the pc of its block, its instructions, the
 * return addresses that it is inlined through, and where it leads. `*` is a loop, `->` a jump that stays in the region,
 * `6 or 8` says that two instructions are executed and kept or not.
 */
import { hex64 } from '../ir/print.ts';
import { type Edge, isInside, type RegionNode } from './region.ts';

export function printRegion(nodes: readonly RegionNode[]): string {
  return nodes.map((node) => printNode(node)).join('\n');
}

function printNode(node: RegionNode): string {
  const { lo, hi } = node.start;
  const loop = node.isLoop ? '*' : ' ';
  const ways = [...node.edges, ...node.targets.map((t) => t.edge)].map(printEdge).join(' ');
  const { terminal } = node.code;
  if (terminal.kind === 'dispatch') return `${loop}${node.order}: entries ${ways}`;
  const callers = node.callers.map((c) => ` in 0x${hex64(c.lo, c.hi)}`).join('');
  const left = terminal.kind === 'leave' ? `tier 0 from instruction ${terminal.insn}` : '';
  const insns = `${node.head}${node.skipped === undefined ? '' : ` or ${node.insns}`}`;
  return `${loop}${node.order}: 0x${hex64(lo, hi)} (${insns})${callers} ${left}${ways}`.trimEnd();
}

function printEdge(edge: Edge): string {
  if (edge.kind === 'word') return 'out';
  if (edge.kind === 'pc') return `out 0x${hex64(edge.lo, edge.hi)}`;
  return `${isInside(edge) && edge.checked ? '?' : ''}->${edge.kind === 'entry' ? `entry ${edge.entry}` : edge.node.order}`;
}
