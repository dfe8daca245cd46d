import { parseArgs } from 'node:util';
import { BenchError } from './sample.ts';
import { DEFAULT_TARGET, TARGETS, type Target, targetOf } from './target.ts';

/** What `npm run bench` was asked for. */
export interface BenchOptions {
  /** The guests' architecture. */
  readonly target: Target;
  readonly help: boolean;
  readonly list: boolean;
  readonly json: boolean;
  /** Compare Boardwalk's memory backends with each other, not Boardwalk with the peer. */
  readonly backends: boolean;
  /** Names of pairs of backends; empty: all. */
  readonly pairs: readonly string[];
  /** Names of workloads; empty: all. */
  readonly only: readonly string[];
  /** Runs on each side. */
  readonly runs: number;
  /** Measure in pairs, and programs in so many batches of each run; undefined: whole runs. */
  readonly batches: number | undefined;
  /** Work of the bare-metal programs, 1 is about a second on a quick emulator. */
  readonly scale: number;
  /** The Node that runs Boardwalk. */
  readonly node: string;
  /** Boardwalk's program; undefined: the one of this repository. */
  readonly ours: string | undefined;
  /** The emulator to compare with. */
  readonly peer: string;
  /** Seconds that one run may take. */
  readonly timeout: number;
  /** More arguments for Boardwalk, such as `-accel`. */
  readonly rest: readonly string[];
}

export const HELP = `npm run bench -- [options] [-- Boardwalk's options]

Runs workloads on Boardwalk and on QEMU, in turn in one run, and prints the medians and their ratios.

  --arch NAME      guests of this architecture: ${TARGETS.map(({ name }) => name).join(', ')} (${DEFAULT_TARGET.name})
  --only NAME      only this workload (again for more, or NAME,NAME); --list names them
  --list           the workloads
  --backends       the same workloads with RAM from each kind of memory backend, against plain memory with pages as large
  --pairs NAME     of --backends only this pair (again for more, or NAME,NAME)
  --runs N         runs on each side (5)
  --batches N      pairs of guests that are warm work in turn, N batches each a run; ratios are the pairs', with intervals (16 with --backends)
  --scale X        so many times the work of the bare-metal programs (1: about a second on a quick emulator)
  --json           one JSON object a line for each workload, instead of the table
  --node PATH      run Boardwalk on this Node (the one that runs this program)
  --ours PATH      another build of Boardwalk: a script for Node with the same options
  --peer PROGRAM   another emulator with QEMU's options (qemu-system-ARCH)
  --timeout S      seconds that one run may take (300)
  --help           this text
`;

/**
 * Reads the command line of `npm run bench`.
 *
 * @throws BenchError
 */
export function parseBenchOptions(args: readonly string[], node = process.execPath): BenchOptions {
  const separator = args.indexOf('--');
  const values = parse(separator < 0 ? args : args.slice(0, separator));
  const target = targetOf(values.arch ?? DEFAULT_TARGET.name);
  const batches = values.batches ?? (values.backends ? '16' : undefined);
  if (batches !== undefined && !target.isPaced) {
    throw new BenchError(`--${values.batches === undefined ? 'backends' : 'batches'}: not with --arch ${target.name}`);
  }
  return {
    target,
    help: values.help ?? false,
    list: values.list ?? false,
    json: values.json ?? false,
    backends: values.backends ?? false,
    pairs: list(values.pairs),
    only: list(values.only),
    runs: positive('--runs', values.runs ?? '5', true),
    batches: batches === undefined ? undefined : positive('--batches', batches, true),
    scale: positive('--scale', values.scale ?? '1', false),
    node: values.node ?? node,
    ours: values.ours,
    peer: values.peer ?? target.peer,
    timeout: positive('--timeout', values.timeout ?? '300', false),
    rest: separator < 0 ? [] : args.slice(separator + 1),
  };
}

/** `a,b` and several of them. */
function list(values: readonly string[] = []): string[] {
  return values.flatMap((names) => names.split(',')).filter((name) => name !== '');
}

function positive(option: string, text: string, whole: boolean): number {
  const value = Number(text);
  const good = text.trim() !== '' && Number.isFinite(value) && value > 0 && (!whole || Number.isInteger(value));
  if (!good) throw new BenchError(`${option} ${text}: must be a ${whole ? 'whole ' : ''}number above 0`);
  return value;
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        arch: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        list: { type: 'boolean' },
        json: { type: 'boolean' },
        backends: { type: 'boolean' },
        pairs: { type: 'string', multiple: true },
        only: { type: 'string', multiple: true },
        runs: { type: 'string' },
        batches: { type: 'string' },
        scale: { type: 'string' },
        node: { type: 'string' },
        ours: { type: 'string' },
        peer: { type: 'string' },
        timeout: { type: 'string' },
      },
    });
    return values;
  } catch (error) {
    const [message = ''] = (error as Error).message.split(/\. |\n/);
    throw new BenchError(`${message}; npm run bench -- --help lists the options`);
  }
}
