// Runs both sides in turn, so that whatever else the host does falls on both.
import { BenchError, type Sample, type Samples, SIDES, type Side } from './sample.ts';

/**
 * Runs A, B, A, B, ... until either side has `runs` samples.
 *
 * @param run makes one run.
 * @param onRun hears of each run when it is done.
 * @throws BenchError when guests' results are not all the same; whatever `run` throws.
 */
export async function interleave(
  runs: number,
  run: (side: Side) => Promise<Sample>,
  onRun: (side: Side, round: number, sample: Sample) => void = () => {},
): Promise<Samples> {
  const samples: Record<Side, Sample[]> = { ours: [], peer: [] };
  for (let round = 0; round < runs; round++) {
    for (const side of SIDES) {
      const sample = await run(side);
      samples[side].push(sample);
      onRun(side, round, sample);
    }
  }
  requireEqualResults(samples);
  return samples;
}

function requireEqualResults({ ours, peer }: Samples): void {
  const results = (samples: readonly Sample[]) => [...new Set(samples.map(({ checksum }) => checksum))];
  const [our, peers] = [results(ours), results(peer)];
  if (new Set([...our, ...peers]).size <= 1) return;
  throw new BenchError(`the guest's results differ: ${our.join(', ')} on Boardwalk, ${peers.join(', ')} on the peer`);
}
