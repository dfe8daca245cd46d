import { StepError } from './steps.mjs';

/**
 * Runs a script's body and ends the process with its status; a failed step is one line.
 *
 * @param {() => Promise<number>} body
 */
export async function main(body) {
  try {
    process.exitCode = await body();
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
