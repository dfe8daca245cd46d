// Command lines with mistakes, put to the program and, where it is there, to QEMU: both end with status 1 and one line that begins with the
// program's name. Where clients look at the text, it is QEMU's.

import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { startProgram } from './start-program.ts';

const QEMU = 'qemu-system-riscv64';
const isReference = /version 7\./.test(spawnSync(QEMU, ['--version'], { encoding: 'utf8' }).stdout ?? '');
if (!isReference) console.log(`mistakes are not compared: that needs ${QEMU} 7 (Debian: qemu-system-misc)`);

const VIRT = ['-M', 'virt', '-display', 'none', '-bios', 'none'];

/** After what both say of an option, the same words. */
const SAME_WORDS: readonly string[] = [
  '-frob',
  '-device frob',
  '-device virtio-rng-device,frob=1',
  '-device virtio-blk-device',
  '-device virtio-blk-device,drive=nothing',
  '-object memory-backend-ram,id=m',
  '-object memory-backend-ram,id=m,size=0',
  '-numa node,memdev=nothing',
  '-boot order=cc',
  '-boot z',
  '-blockdev driver=raw,node-name=d',
  '-blockdev driver=file,filename=x',
  '-blockdev driver=raw,node-name=d,file=nothing',
];

/** Each in words of its own. */
const OWN_WORDS: readonly string[] = [
  '-M frob',
  '-M virt,frob=1',
  '-cpu frob',
  '-m 1X',
  '-kernel /nothing',
  '-drive file=/nothing',
  '-chardev frob,id=c',
  '-chardev null',
  '-serial frob',
  '-mon nothing',
  '-object frob,id=a',
  '-rtc base=frob',
  '-uuid 1',
  '-accel frob',
  '-device virtio-rng-device,id=a -device virtio-rng-device,id=a',
  '-icount shift=99',
  '-incoming frob:x',
  '-readconfig /nothing',
  '-action reboot=frob',
  '-msg frob=1',
  '-name guest=a,frob=1',
  '-global frob',
  '-overcommit frob=1',
];

const split = (line: string): string[] => [...VIRT, ...line.split(' ')];

async function ours(line: string): Promise<{ status: number; err: string }> {
  const { status, err } = await startProgram(split(line)).ended;
  return { status, err };
}

function theirs(line: string): { status: number | null; err: string } {
  const { status, stderr } = spawnSync(QEMU, split(line), { encoding: 'utf8', timeout: 10_000 });
  return { status, err: stderr };
}

/** What is said of the option, without what comes before. */
const words = (err: string, line: string): string =>
  (err.split('\n')[0] ?? '')
    .replace(/^[\w-]+: /, '')
    .replace(`${line}: `, '')
    .replace(/^-[\w-]+(?: [^ ]+)?: /, '');

it.each(OWN_WORDS)('%s is a mistake', async (line) => {
  const { status, err } = await ours(line);
  expect({ line, status, err }).toMatchObject({
    status: 1,
    err: expect.stringMatching(/^boardwalk-system-riscv64: .+\n$/),
  });
  if (isReference) expect({ line, status: theirs(line).status }).toEqual({ line, status: 1 });
});

it('says of these what QEMU says', async () => {
  const differences: unknown[] = [];
  for (const line of SAME_WORDS) {
    const [our, their] = [await ours(line), isReference ? theirs(line) : undefined];
    expect({ line, ...our }).toMatchObject({
      status: 1,
      err: expect.stringMatching(/^boardwalk-system-riscv64: .+\n$/),
    });
    if (their && words(our.err, line) !== words(their.err, line)) differences.push([line, our.err, their.err]);
  }
  expect(differences).toEqual([]);
});
