/** Seed and size of a run, from the environment: DIFFTEST_SEED, and DIFFTEST_CASES per suite (run.mjs sets them). */
const { env } = process;

function setting(name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name}=${text}: a number is expected`);
  return value;
}

export const SEED = setting('DIFFTEST_SEED') ?? 1;
/** Cases of each suite; undefined for the quick run. */
export const CASES = setting('DIFFTEST_CASES');
/** Only instructions whose mnemonics match, for whoever looks for a difference. */
export const ONLY = new RegExp(env.DIFFTEST_ONLY ?? '');
