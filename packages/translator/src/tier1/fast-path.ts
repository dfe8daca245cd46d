/**
 * What of a helper is compiled into regions: all of one that only computes, as a wide product, in place of its call; and the
 * beginning of one that answers the ordinary case and has no effect otherwise, as floating point has it, in front of the call,
 * which is made where it gives no answer.
 */
import type { Helper } from '../ir/helper.ts';
import type { Node } from '../ir/nodes.ts';

export interface FastPath {
  readonly params: readonly Node[];
  /** Computes values, and returns on some ways. */
  readonly statements: readonly Node[];
  /** It returns on every way: no call is left. */
  readonly isWhole: boolean;
}

/** Values and statements that a fast path has at most. */
const MOST = 48;

const known = new WeakMap<Helper, FastPath | null>();

/** The fast path of a helper, if it begins with one. */
export function fastPathOf(helper: Helper): FastPath | undefined {
  let path = known.get(helper);
  if (path === undefined) {
    path = find(helper);
    known.set(helper, path);
  }
  return path ?? undefined;
}

function find(helper: Helper): FastPath | null {
  if (helper.kind !== 'ir' || helper.result === undefined) return null;
  const { params, statements } = helper.body();
  if (statements.at(-1)?.kind === 'return' && sizeOf(statements) <= MOST) return { params, statements, isWhole: true };
  const end = statements.findIndex((node) => node.kind === 'if');
  if (end < 0 || end === statements.length - 1) return null;
  const path = statements.slice(0, end + 1);
  const size = sizeOf(path);
  return size > 0 && size <= MOST && returns(path.slice(-1)) ? { params, statements: path, isWhole: false } : null;
}

/** Number of nodes; not finite where one has an effect. */
function sizeOf(list: readonly Node[]): number {
  let size = 0;
  for (const { detail: d } of list) {
    if (d.kind === 'if') size += 1 + sizeOf(d.taken) + sizeOf(d.otherwise);
    else size += EFFECTLESS.has(d.kind) ? 1 : Number.POSITIVE_INFINITY;
  }
  return size;
}

const EFFECTLESS: ReadonlySet<Node['kind']> = new Set(['pure', 'get', 'param', 'return']);

function returns(list: readonly Node[]): boolean {
  return list.some(
    ({ detail: d }) => d.kind === 'return' || (d.kind === 'if' && (returns(d.taken) || returns(d.otherwise))),
  );
}
