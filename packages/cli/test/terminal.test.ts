// The built program as a process of its own, on a terminal. `npm test` builds first; without a build this is skipped.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '@boardwalk/core';
import { PtyChar } from '@boardwalk/host-node';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { guestProgram } from './guest.ts';

const PROGRAM = fileURLToPath(new URL('../bin/boardwalk-system-riscv64.js', import.meta.url));
const built = existsSync(new URL('../dist/index.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'boardwalk-terminal-'));
const guest = join(folder, 'guest');
writeFileSync(guest, guestProgram());
afterAll(() => rmSync(folder, { recursive: true }));

/** The program on a new terminal; `settings` are the terminal's, as stty(1) writes them. */
async function onTerminal(...args: string[]) {
  const pty = await PtyChar.create();
  const seen = { text: '' };
  pty.onData((data) => {
    seen.text += Buffer.from(data);
  });
  await pty.begin();
  const name = pty.describe() ?? '';
  const settings = (): string => execFileSync('stty', ['-F', name, '-g']).toString();
  execFileSync('stty', ['-F', name, 'sane']);
  const before = settings();
  const terminal = openSync(name, constants.O_RDWR | constants.O_NOCTTY);
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: [terminal, terminal, terminal] });
  closeSync(terminal);
  const exit = new Promise<number | string | null>((resolve) => {
    child.on('exit', (status, signal) => resolve(status ?? signal));
  });
  const shows = (text: string): Promise<void> =>
    vi.waitFor(() => expect(seen.text).toContain(text), { timeout: 20_000, interval: 20 });
  return {
    child,
    exit,
    shows,
    settings,
    before,
    type: (keys: string) => pty.write(Buffer.from(keys)),
    close: () => pty.close(),
  };
}

const VIRT = ['-M', 'virt', '-m', '32', '-bios', guest];

async function hasTerminals(): Promise<boolean> {
  if (!built || process.platform !== 'linux') return false;
  return PtyChar.create().then(
    (pty) => {
      pty.close();
      return true;
    },
    (error: unknown) => {
      if (error instanceof UserError) return false;
      throw error;
    },
  );
}

describe.skipIf(!(await hasTerminals()))('on a terminal', () => {
  it.each([
    ['the guest ends', 'q', 7],
    ['the user types Ctrl-a x', '\x01x', 0],
    ['SIGTERM comes', 'SIGTERM', 0],
    ['SIGINT comes', 'SIGINT', 0],
    ['SIGHUP comes', 'SIGHUP', 0],
  ] as const)('keys are the guest’s until %s, and the terminal is as before', async (_, end, status) => {
    const program = await onTerminal(...VIRT, '-nographic');
    try {
      await program.shows('hello');
      expect(program.settings()).not.toBe(program.before);
      program.type('a\x03\x01\x01b');
      await program.shows('a\x03\x01b');
      if (end === 'SIGTERM' || end === 'SIGINT' || end === 'SIGHUP') program.child.kill(end);
      else program.type(end);
      expect(await program.exit).toBe(status);
      expect(program.settings()).toBe(program.before);
    } finally {
      program.child.kill('SIGKILL');
      program.close();
    }
  });

  it('-serial stdio leaves Ctrl-a to the guest and ends at Ctrl-C', async () => {
    const program = await onTerminal(...VIRT, '-serial', 'stdio');
    try {
      await program.shows('hello');
      program.type('a\x01x');
      await program.shows('a\x01x');
      program.type('\x03');
      expect(await program.exit).toBe(0);
      expect(program.settings()).toBe(program.before);
    } finally {
      program.child.kill('SIGKILL');
      program.close();
    }
  });

  it('a mistake leaves the terminal alone', async () => {
    const program = await onTerminal(...VIRT, '-nographic', '-device', 'frob');
    expect(await program.exit).toBe(1);
    await program.shows("boardwalk-system-riscv64: -device frob: 'frob' is not a valid device model name");
    expect(program.settings()).toBe(program.before);
    program.close();
  });
});

describe.skipIf(!built)('the built program', () => {
  const start = (args: string[], input = '') =>
    spawnSync(process.execPath, [PROGRAM, ...args], { input, timeout: 30_000 });

  it('takes its input from a pipe and gives the guest’s status', () => {
    const { status, stdout, stderr } = start([...VIRT, '-nographic'], 'abcq');
    expect(stderr.toString()).toBe('');
    expect(stdout.toString()).toBe('hello\nabc');
    expect(status).toBe(7);
  });

  it('says its version, and mistakes on standard error', () => {
    expect(start(['-version']).stdout.toString()).toMatch(/^Boardwalk emulator version \d/);
    const { status, stdout, stderr } = start(['-M', 'nope']);
    expect({ status, out: stdout.toString() }).toEqual({ status: 1, out: '' });
    expect(stderr.toString()).toMatch(/^boardwalk-system-riscv64: -machine: unsupported machine type 'nope'.*\n$/);
  });

  it('has boards and devices from modules', () => {
    const example = (name: string): string => fileURLToPath(new URL(`../../../docs/examples/${name}`, import.meta.url));
    const pocket = ['--load', example('pocket-board.js'), '-M', 'pocket', '-bios', example('hello.bin')];
    const board = start(pocket);
    expect(board.stdout.toString()).toBe('Hello from the guest\n');
    expect(board.status).toBe(0);
    expect(start([...pocket, '-m', '1M']).stderr.toString()).toContain(
      '-m: Invalid RAM size, should be 16 MiB or 32 MiB\n',
    );

    const scratchpad = ['--load', example('scratchpad-device.js'), '-device'];
    expect(start([...VIRT, ...scratchpad, 'scratchpad,addr=0x30000000'], 'q').status).toBe(7);
    expect(start([...VIRT, ...scratchpad, 'scratchpad,addr=here'], 'q').stderr.toString()).toContain(
      "-device scratchpad: Parameter 'addr' expects",
    );
  });

  it('lets a module look at what the guest executes', () => {
    const module = fileURLToPath(new URL('../../../docs/examples/coverage.js', import.meta.url));
    const { status, stdout, stderr } = start([...VIRT, '-nographic', '--load', module], 'abq');
    expect({ status, out: stdout.toString() }).toEqual({ status: 7, out: 'hello\nab' });
    const lines = stderr.toString().trimEnd().split('\n');
    // The loop that prints stores its six characters, the one that echoes its two.
    expect(lines.filter((line) => /sb +a0,0\(s0\)$/.test(line))).toEqual([
      '           6  0x80000018  sb      a0,0(s0)',
      '           2  0x8000003c  sb      a0,0(s0)',
    ]);
  });

  it('goes on when nobody reads its output', () => {
    const script = `${process.execPath} ${PROGRAM} ${VIRT.join(' ')} -nographic | head -c 3; echo " \${PIPESTATUS[0]}"`;
    const { stdout } = spawnSync('bash', ['-c', script], { input: 'xyzq', timeout: 30_000 });
    expect(stdout.toString()).toBe('hel 7\n');
  });
});
