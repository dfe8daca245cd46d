/**
 * A Debian root file system on a virtio-ccw disk: its second stage runs in the guest, zipl writes its boot record, and it is loaded from
 * there through the firmware of QEMU's packages. All of it takes minutes: it runs in continuous integration, with BOARDWALK_DEBIAN_ROOT=1.
 * Skipped with a printed reason where Debian's packages cannot be had.
 */
import { execFile } from 'node:child_process';
import { constants, copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type MachineOptions, MiB } from '@boardwalk/core';
import { RawFileBlock } from '@boardwalk/host-node';
import { ifReachable, type MainframeRoot, prepareMainframeRoot } from '@boardwalk/launch';
import { machineBooter, type TestMachine } from '@boardwalk/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { s390CcwVirtio } from '../src/index.ts';

const MINUTES = 60_000;
const FIRMWARE = '/usr/share/qemu/s390-ccw.img';
const RAM = MiB(512);
/** Where the partition with the file system begins. */
const PARTITION = MiB(1);
const CONFIGURE = 'console=ttysclp0 root=/dev/vda1 rw boardwalk.chroot=/second-stage';
const PROGRAM = fileURLToPath(new URL('../../cli/bin/boardwalk-system-s390x.js', import.meta.url));
const SECOND_STAGE_MS = 60 * MINUTES;
const wanted = process.env.BOARDWALK_DEBIAN_ROOT !== undefined;
if (!wanted) console.log("skipped: Debian's root file system (BOARDWALK_DEBIAN_ROOT=1 runs it)");

const run = promisify(execFile);
const bootMachine = machineBooter(afterEach);

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boardwalk-debian-root-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A copy of a disk that is a test's own. */
async function copyOf(image: string, name: string): Promise<string> {
  const copy = join(folder, name);
  await copyFile(image, copy, constants.COPYFILE_FICLONE);
  return copy;
}

async function boot(image: string, options: MachineOptions): Promise<TestMachine> {
  const backend = await RawFileBlock.open(image);
  return bootMachine({ board: s390CcwVirtio, ramSize: RAM, drives: [{ if: 'virtio', backend }], ...options });
}

async function bootKernel({ kernel, initrd }: MainframeRoot, image: string, append: string): Promise<TestMachine> {
  return boot(image, { kernel: await readFile(kernel), initrd: await readFile(initrd), append });
}

/** Waits for the guest to turn the machine off, and checks the file system that it leaves. */
async function expectCleanEnd(guest: TestMachine, image: string): Promise<void> {
  expect(await guest.exit()).toMatchObject({ cause: 'guest', reason: 'shutdown' });
  await guest.dispose();
  await expectCleanFileSystem(image);
}

async function expectCleanFileSystem(image: string): Promise<void> {
  const { stdout } = await run('e2fsck', ['-f', '-n', `${image}?offset=${PARTITION}`]);
  expect(stdout).not.toMatch(/WARNING|FIXED|recovering journal/);
}

/**
 * The second stage, by the program on Node.js 24 where that is there (`BOARDWALK_NODE24`): it compiles the guest's code best.
 * @returns the disk
 */
async function secondStage({ kernel, initrd, firstStage, packageCount }: MainframeRoot): Promise<string> {
  const image = await copyOf(firstStage, 'disk.img');
  const files = ['-kernel', kernel, '-initrd', initrd, '-append', CONFIGURE, '-drive', `file=${image},format=raw`];
  const { stdout } = await run(
    process.env.BOARDWALK_NODE24 ?? process.execPath,
    [PROGRAM, ...['-m', '512', '-nographic'], ...files],
    { timeout: SECOND_STAGE_MS, maxBuffer: 2 ** 26 },
  );
  const [, configured] = /second-stage: configured (\d+) packages/.exec(stdout) ?? [];
  expect(Number(configured)).toBe(packageCount);
  expect(stdout).toContain('init: /second-stage has ended');
  await expectCleanFileSystem(image);
  return image;
}

describe.skipIf(!wanted)("Debian's root file system on a disk", () => {
  it(
    'is configured in the guest, made bootable by zipl, loaded by IPL, used, and left clean',
    async (context) => {
      const root = (await ifReachable(prepareMainframeRoot())) ?? context.skip("Debian's packages cannot be had here");
      const firmware = await readFile(FIRMWARE).catch(() => context.skip(`${FIRMWARE} is not installed`));
      const image = await secondStage(root);

      const zipl = await bootKernel(
        root,
        image,
        'console=ttysclp0 quiet root=/dev/vda1 rw boardwalk.chroot=/sbin/zipl',
      );
      await zipl.expectSerial('Preparing boot device: vda', { timeoutMs: 10 * MINUTES });
      await zipl.expectSerial('init: /sbin/zipl has ended', { timeoutMs: 5 * MINUTES });
      await expectCleanEnd(zipl, image);

      const debian = await boot(image, { firmware });
      await debian.expectSerial('boardwalk login: ', { timeoutMs: 20 * MINUTES });
      debian.send('root\n');
      await debian.expectSerial('Password: ', { timeoutMs: 5 * MINUTES });
      debian.send('boardwalk\n');
      await debian.expectSerial('# ', { timeoutMs: 5 * MINUTES });
      debian.send(`python3 -c 'import sys; print(sys.byteorder, sum(x * x for x in range(1001)), 2 ** 0.5)'\n`);
      await debian.expectSerial('big 333833500 1.4142135623730951', { timeoutMs: 5 * MINUTES });
      debian.send('poweroff\n');
      await expectCleanEnd(debian, image);
    },
    120 * MINUTES,
  );
});
