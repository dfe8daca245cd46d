// Runs commands one after another and shows on standard error what goes on.
import { spawn } from 'node:child_process';

const { stderr } = process;
const REFRESH_MS = 200;
const OUTPUT_TAIL_LINES = 60;

/** A command of a step failed; its output has been shown. */
export class StepError extends Error {}

/**
 * Runs a command quietly: one line with its title and its time; everything it printed only if it fails.
 *
 * @param {string} title
 * @param {readonly string[]} command program and arguments
 * @param {{ cwd: string }} options
 * @returns {Promise<void>}
 */
export async function step(title, command, { cwd }) {
  const start = Date.now();
  const line = () => `${title} ... ${((Date.now() - start) / 1000).toFixed(1)} s`;
  const timer = stderr.isTTY ? setInterval(() => stderr.write(`\r${line()}`), REFRESH_MS) : undefined;
  if (!stderr.isTTY) stderr.write(`${title} ...\n`);
  const { status, output } = await capture(command, cwd);
  clearInterval(timer);
  if (stderr.isTTY) stderr.write(`\r${line()}\n`);
  if (status === 0) return;
  stderr.write(`${output.trimEnd().split('\n').slice(-OUTPUT_TAIL_LINES).join('\n')}\n`);
  throw new StepError(`${title}: failed with status ${status}`);
}

/**
 * Runs a command on this terminal.
 *
 * @param {readonly string[]} command
 * @param {string} cwd
 * @returns {Promise<number>} its exit status
 */
export function run([program = '', ...args], cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: 'inherit', shell: needsShell(program) });
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
}

/**
 * @param {readonly string[]} command
 * @param {string} cwd
 * @returns {Promise<{ status: number, output: string }>}
 */
export function capture([program = '', ...args], cwd) {
  return new Promise((resolve) => {
    const env = { ...process.env, DO_NOT_TRACK: '1', TURBO_TELEMETRY_DISABLED: '1' };
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], shell: needsShell(program) });
    let output = '';
    const add = (/** @type {Buffer} */ data) => {
      output += data.toString();
    };
    child.stdout.on('data', add);
    child.stderr.on('data', add);
    child.on('error', (error) => resolve({ status: 127, output: error.message }));
    child.on('close', (status) => resolve({ status: status ?? 1, output }));
  });
}

/**
 * npm and pnpm are command scripts on Windows, which only a shell starts.
 *
 * @param {string} program
 */
function needsShell(program) {
  return process.platform === 'win32' && /^p?npm$/.test(program);
}
