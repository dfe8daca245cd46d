// The same qtest script on our virt board and on qemu-system-riscv64's: line by line the same answers.
// QEMU's program in Debian has no qtest accelerator, so that time is not compared; its machine is stopped.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { startProgram } from './start-program.ts';

const QEMU = 'qemu-system-riscv64';
const installed = spawnSync(QEMU, ['--version']).status === 0;
if (!installed) console.log(`skipped: ${QEMU} is not installed`);

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-qtest-'));
const path = (name: string): string => join(folder, name);
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** Listens, lets somebody connect, and speaks. */
class TestProgram {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface(socket)[Symbol.asyncIterator]();
  }

  static listen(where: string): Promise<TestProgram> {
    return new Promise((resolve) => {
      const server = createServer((socket) => {
        server.close();
        resolve(new TestProgram(socket));
      });
      server.listen(where);
    });
  }

  /** Lines up to the answer. */
  async ask(line: string): Promise<string[]> {
    this.#socket.write(`${line}\n`);
    const answers: string[] = [];
    while (!/^(OK|FAIL)/.test(answers.at(-1) ?? '')) answers.push((await this.#lines.next()).value);
    return answers;
  }

  end(): void {
    this.#socket.destroy();
  }
}

/** `HART` is the path of the hart, or a part of it. */
const SCRIPT = `
endianness
foo
rtas a b
writel 0x80000000 0x12345678
readl 2147483648
readw 0x80000000
readw 0x80000001
readb 0x80000003
writeq 0x80000007 0x0102030405060708
read 0x80000000 16
write 0x80000010 4 0x01020304
write 0x80000010 4 0x0102
read 0x80000010 8
b64write 0x80000020 4 AQIDBA==
b64read 0x80000020 4
memset 0x80000030 8 0xaa
memset 0x80000030 0 0xbb
read 0x8000002f 10
readb 0xffffffffffffffff
readl 0
inb 0x60
inw 0x60
inl 0x60
outb 0x60 1
readb 0x10000005
writeb 0x10000003 0x80
writeb 0x10000000 0x12
readb 0x10000000
readl 0x2004000
readl 0x0c000000
writel 0x0c000028 7
readl 0x0c000028
irq_intercept_in /machine/nope
irq_intercept_in HART
irq_intercept_in HART
irq_intercept_out uart
writel 0x02000000 1
writel 0x02000000 1
writel 0x02000000 0
`
  .trim()
  .split('\n')
  // mtimecmp after a reset is all ones here, as in later versions of QEMU.
  .filter((line) => !line.includes('0x2004000'));

async function play(program: TestProgram, hart: string): Promise<string[][]> {
  const answers: string[][] = [];
  for (const line of SCRIPT) answers.push([line, ...(await program.ask(line.replace('HART', hart)))]);
  return answers;
}

const VIRT = ['-M', 'virt', '-bios', 'none', '-display', 'none', '-serial', 'null', '-qtest-log', '/dev/null'];

describe('qtest', () => {
  it.skipIf(!installed)('answers as QEMU does', async () => {
    const theirs = TestProgram.listen(path('theirs'));
    const ours = TestProgram.listen(path('ours'));
    const qemu = spawn(QEMU, [...VIRT, '-S', '-monitor', 'none', '-qtest', `unix:${path('theirs')}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    children.push(qemu);
    const q = `unix:${path('q')},server=on,wait=off`;
    const running = startProgram([...VIRT, '-S', '-monitor', 'none', '-qtest', `unix:${path('ours')}`, '-qmp', q]);
    const expected = await play(await theirs, 'harts[0]');
    const program = await ours;
    // Which of a hart's lines is which number is each emulator's own affair.
    const plain = (answers: string[][]): string[][] =>
      answers.map((lines) => lines.map((line) => line.replace(/^(IRQ \w+) \d+$/, '$1')));
    expect(plain(await play(program, 'cpu[0]'))).toEqual(plain(expected));
    program.end();
    process.kill(process.pid, 'SIGTERM');
    expect((await running.ended).status).toBe(0);
  });

  it('starts a machine without firmware or kernel, on the sockets that a client opens, and steps its time', async () => {
    const accepted = TestProgram.listen(path('s'));
    const running = startProgram([
      ...['-qtest', `unix:${path('s')}`, '-qtest-log', path('log')],
      ...['-chardev', `socket,path=${path('q2')},id=char0,server=on,wait=off`, '-mon', 'chardev=char0,mode=control'],
      ...['-display', 'none', '-machine', 'virt', '-accel', 'kvm', '-accel', 'qtest'],
    ]);
    const program = await accepted;
    expect(await program.ask('clock_step 1000')).toEqual(['OK 1000']);
    // The machine timer counts at 10 MHz.
    expect(await program.ask('readl 0x0200bff8')).toEqual(['OK 0x000000000000000a']);
    expect(await program.ask('writel 0x02004004 0')).toEqual(['OK']);
    expect(await program.ask('writel 0x02004000 20')).toEqual(['OK']);
    expect(await program.ask('irq_intercept_in cpu[0]')).toEqual(['OK']);
    expect(await program.ask('clock_step 999')).toEqual(['OK 1999']);
    expect(await program.ask('clock_step')).toEqual([expect.stringMatching(/^IRQ raise \d+$/), 'OK 2000']);
    program.end();
    process.kill(process.pid, 'SIGTERM');
    expect((await running.ended).status).toBe(0);
    expect(readFileSync(path('log'), 'utf8')).toMatch(/^\[I 0\.000000\] OPENED\n\[R \+\d+\.\d{6}\] clock_step 1000\n/);
    expect(existsSync(path('q2'))).toBe(false);
  });
});
