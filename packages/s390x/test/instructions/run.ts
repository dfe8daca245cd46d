/** Runs single instructions on a CPU of ours, in both tiers, where the reference has none to compare with. */
import { RECORD, RECORDS, SCRATCH } from '../differential/layout.ts';
import { type CaseOptions, Program } from '../differential/program.ts';
import { runSubject } from '../differential/subject.ts';

export { SCRATCH };

/** What is to run: its code, and storage before, by address. */
export interface Trial extends Omit<CaseOptions, 'group' | 'pc'> {
  /** The PSW's address is so many bytes behind the code's. */
  readonly entry?: number;
  readonly code: readonly number[];
  readonly memory?: Readonly<Record<number, bigint>>;
}

/** What was found after it. */
export interface Outcome {
  readonly cc: number;
  /** Program-interruption code: 1 where nothing but the end of the code was met. */
  readonly interruption: number;
  /** The old PSW's address, and the instruction length of the interruption, in bytes. */
  readonly pswAddress: number;
  readonly length: number;
  readonly dataException: number;
  readonly fpc: number;
  r(n: number): bigint;
  f(n: number): bigint;
  /** A vector register, where the trials have some. */
  v(n: number): bigint;
  memory(address: number): bigint;
}

const NO_INTERRUPTION = 1;

export { NO_INTERRUPTION };

/** Runs trials, one after the other with the storage that the one before left, in one tier. */
async function runIn(tier: 'tier0' | 'tier1', trials: readonly Trial[]): Promise<readonly Outcome[]> {
  const program = new Program('trials', 1, { vectors: trials.some(({ v }) => v !== undefined) });
  for (const { code, memory = {}, entry = 0, ...rest } of trials) {
    for (const [address, value] of Object.entries(memory)) program.poke64(Number(address), value);
    program.add({ group: 'trial', pc: program.place(code) + entry, ...rest });
  }
  const ram = await runSubject(program.finish(), tier);
  const view = new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
  return trials.map((_, n) => {
    const record = RECORDS + n * RECORD.size;
    return {
      cc: Number((view.getBigUint64(record + RECORD.pswMask) >> 44n) & 3n),
      interruption: view.getUint32(record + RECORD.interruption) & 0xff,
      pswAddress: Number(view.getBigUint64(record + RECORD.pswAddress)),
      length: view.getUint16(record + RECORD.interruption) & 6,
      dataException: view.getUint32(record + RECORD.dataException),
      fpc: view.getUint32(record + RECORD.fpc),
      r: (register) => view.getBigUint64(record + RECORD.r(register)),
      f: (register) => view.getBigUint64(record + RECORD.f(register)),
      v: (register) =>
        (view.getBigUint64(record + RECORD.v(register)) << 64n) | view.getBigUint64(record + RECORD.v(register) + 8),
      memory: (address) => view.getBigUint64(address),
    };
  });
}

/**
 * The outcomes of trials.
 * @throws Error where the two tiers do not agree
 */
export async function runTrials(trials: readonly Trial[]): Promise<readonly Outcome[]> {
  const [interpreted, compiled] = [await runIn('tier0', trials), await runIn('tier1', trials)];
  const text = (outcomes: readonly Outcome[]): string =>
    outcomes
      .map((o) =>
        [
          o.cc,
          o.interruption,
          o.pswAddress,
          o.length,
          o.fpc,
          ...Array.from({ length: 16 }, (_, n) => [o.r(n), o.f(n), o.v(n), o.v(n + 16)]),
        ].join(),
      )
      .join('\n');
  if (text(interpreted) !== text(compiled)) throw new Error(`tiers differ:\n${text(interpreted)}\n${text(compiled)}`);
  return interpreted;
}

export async function runTrial(trial: Trial): Promise<Outcome> {
  const [outcome] = await runTrials([trial]);
  if (outcome === undefined) throw new Error('no outcome');
  return outcome;
}
