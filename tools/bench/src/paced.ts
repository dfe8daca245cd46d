// Two guests that are warm work in turn, a twentieth of a second each: what the host does meanwhile falls on both alike, and what is
// started or compiled once is in neither's time.
import { type Context, programCommand } from './cases.ts';
import { Dialog } from './dialog.ts';
import type { Emulator } from './emulators.ts';
import { compileProgram } from './guest.ts';
import { BenchError, type Sample, type Samples, SIDES, type Side } from './sample.ts';
import type { Target } from './target.ts';

/** A guest that does a batch of work when it is asked to. */
export interface PacedGuest {
  batch(): Promise<Sample>;
  end(): void;
}

/** Something to run in batches on either side. */
export interface PacedCase {
  readonly name: string;
  /** Gets ready what a run needs, once. What it gives starts a guest and lets it warm up. */
  prepare(context: Context): Promise<(emulator: Emulator) => Promise<PacedGuest>>;
}

const BATCH = /^bench: batch \d+ checksum ([0-9a-f]+) ticks (\d+)\r?$/m;

/** A bare-metal program of guest/. */
export function pacedProgram(name: string): PacedCase {
  return {
    name,
    prepare: async ({ scale, timeoutMs, target }) => {
      const elf = compileProgram(name, target, scale, true);
      return async (emulator) => {
        const guest = new Dialog(programCommand(emulator, target, elf), timeoutMs);
        await guest.expect(/^bench: ready\r?$/m);
        return { batch: () => programBatch(guest, target), end: guest.end };
      };
    },
  };
}

async function programBatch(guest: Dialog, { ticksPerSecond }: Target): Promise<Sample> {
  const before = guest.cpu;
  guest.type('b');
  const [, checksum = '', ticks] = await guest.expect(BATCH);
  const after = guest.cpu;
  const cpu = before === undefined || after === undefined ? {} : { batchCpu: after - before };
  return { values: { batch: Number(ticks) / ticksPerSecond, ...cpu }, checksum };
}

/** Batches that are thrown away: the last of what is compiled. */
const WARM_UP = 3;

/**
 * Starts a guest on each side, and lets them work in turn: A B, B A, A B, ...
 *
 * @throws BenchError when the guests' results differ; whatever `start` throws.
 */
export async function alternate(start: (side: Side) => Promise<PacedGuest>, batches: number): Promise<Samples> {
  const started = await Promise.allSettled(SIDES.map(start));
  const guests = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  try {
    for (const each of started) if (each.status === 'rejected') throw each.reason;
    const [ours, peer] = guests;
    if (!ours || !peer) throw new RangeError('two guests');
    return await inTurn({ ours, peer }, batches);
  } finally {
    for (const guest of guests) guest.end();
  }
}

async function inTurn(guests: Readonly<Record<Side, PacedGuest>>, batches: number): Promise<Samples> {
  const samples: Record<Side, Sample[]> = { ours: [], peer: [] };
  for (let batch = -WARM_UP; batch < batches; batch++) {
    const seen: Partial<Record<Side, Sample>> = {};
    for (const side of batch % 2 === 0 ? SIDES : SIDES.toReversed()) seen[side] = await guests[side].batch();
    const { ours, peer } = seen;
    if (!ours || !peer || ours.checksum !== peer.checksum) {
      throw new BenchError(`the guests' results differ: ${ours?.checksum} and ${peer?.checksum}`);
    }
    if (batch < 0) continue;
    samples.ours.push(ours);
    samples.peer.push(peer);
  }
  return samples;
}
