/** Which state slots a helper reads and writes, as far as translated code has to know. */
import type { Helper } from '../ir/helper.ts';
import type { Node } from '../ir/nodes.ts';
import type { Slot } from '../ir/types.ts';

/** What a call of a helper touches; `undefined` effects are those of a helper that may touch anything. */
export interface HelperEffects {
  readonly reads: ReadonlySet<Slot>;
  readonly writes: ReadonlySet<Slot>;
}

/** Weak: a helper may reach the machine that it is of, and with it all of that machine. */
const known = new WeakMap<Helper, HelperEffects | undefined>();

/** Effects of a helper and of all that it calls; undefined where it works on host memory, or is not written in the IR. */
export function helperEffects(helper: Helper): HelperEffects | undefined {
  if (known.has(helper)) return known.get(helper);
  // A helper that calls itself is not looked at twice.
  known.set(helper, undefined);
  const effects = { reads: new Set<Slot>(), writes: new Set<Slot>() };
  const result = helper.kind === 'ir' && collect(helper.body().statements, effects) ? effects : undefined;
  known.set(helper, result);
  return result;
}

/** Adds the effects of statements; false where they cannot be told. */
function collect(statements: readonly Node[], into: { reads: Set<Slot>; writes: Set<Slot> }): boolean {
  for (const node of statements) {
    const d = node.detail;
    switch (d.kind) {
      case 'get':
        into.reads.add(d.slot);
        break;
      case 'set':
        into.writes.add(d.slot);
        break;
      case 'call': {
        const inner = helperEffects(d.helper);
        if (inner === undefined) return false;
        for (const slot of inner.reads) into.reads.add(slot);
        for (const slot of inner.writes) into.writes.add(slot);
        break;
      }
      case 'if':
        if (!collect(d.taken, into) || !collect(d.otherwise, into)) return false;
        break;
      case 'loop':
        if (!collect(d.body, into)) return false;
        break;
      case 'pure':
      case 'param':
      case 'local':
      case 'getLocal':
      case 'setLocal':
      case 'breakIf':
      case 'return':
      case 'hostFence':
        break;
      default:
        return false;
    }
  }
  return true;
}
