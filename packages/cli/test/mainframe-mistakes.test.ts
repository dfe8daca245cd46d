// What a user can get wrong about a mainframe: one line that says so, status 1, as qemu-system-s390x 7.2 words it where it has a word for it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startProgram } from './start-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-mainframe-mistakes-'));
const path = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

/** A kernel of Linux for riscv64: the header of its Image (Linux: Documentation/riscv/boot-image-header.rst). */
function riscvImage(): Uint8Array {
  const image = new Uint8Array(4096);
  const view = new DataView(image.buffer);
  view.setBigUint64(16, 4096n, true);
  image.set(new TextEncoder().encode('RISCV\0\0\0RSC\u0005'), 48);
  return image;
}

writeFileSync(path('riscv'), riscvImage());
writeFileSync(path('text'), 'This is no kernel at all.\n');
const large = new Uint8Array(2 ** 21 + 8);
large.set([0, 8, 0, 0, 0x80, 0, 2, 0]);
writeFileSync(path('large'), large);
for (const name of ['a', 'b']) writeFileSync(path(name), new Uint8Array(2 ** 20));

const disk = (name: string, more = '') =>
  `-drive file=@${name},format=raw,if=none,id=${name} -device virtio-blk-ccw,drive=${name}${more}`;

describe('a mistake about a mainframe is one line', () => {
  it.each([
    ['-kernel @riscv', '-kernel: @riscv: it is a Linux kernel for riscv, not for s390x'],
    ['-kernel @text', '-kernel: @text: it is no kernel for s390x: it begins with no PSW'],
    ['-m 2M -kernel @large', '-kernel: @large: it does not fit: it ends at 0x200008, RAM at 0x200000'],
    ['-initrd @a', '-initrd: only with -kernel'],
    [
      '-m 1025M',
      '-m: Invalid RAM size 1025 MiB, should be a multiple of 2 MiB: the nearest sizes are 1 GiB and 1026 MiB',
    ],
    [disk('a', ',devno=fe.4.0001'), '-device virtio-blk-ccw: Invalid cssid or ssid: cssid fe, ssid 4'],
    [disk('a', ',devno=ff.0.0001'), '-device virtio-blk-ccw: Invalid cssid or ssid: cssid ff, ssid 0'],
    [
      disk('a', ',devno=fe.0.10001'),
      "-device virtio-blk-ccw: Property 'virtio-blk-ccw.devno' doesn't take value 'fe.0.10001'",
    ],
    [
      '-device virtio-rng-ccw,devno=fe.0.0001 -device virtio-net-ccw,devno=fe.0.0001',
      '-device virtio-net-ccw: Device fe.0.0001 already exists',
    ],
    [`${disk('a', ',bootindex=1')} ${disk('b', ',bootindex=1')}`, 'The bootindex 1 has already been used'],
    ['-device virtio-rng-ccw,bootindex=1', "-device virtio-rng-ccw: Property 'virtio-rng-ccw.bootindex' not found"],
    ['-device virtio-blk-ccw', '-device virtio-blk-ccw: drive property not set'],
    ['-device zpci', '-device zpci: target must be defined'],
    ['-device zpci,target=a,uid=3 -device zpci,target=b,uid=3', '-device zpci: uid 3 already in use'],
    ['-device zpci,target=a,fid=3 -device zpci,target=b,fid=3', '-device zpci: fid 3 already in use'],
    ['-device zpci,target=a -device zpci,target=a', '-device zpci: target a already has an associated zpci device'],
    ['-device zpci,target=a,fid=x', "-device zpci: Property 'zpci.fid' doesn't take value 'x'"],
    ['-device virtio-rng-pci,vectors=0', '-device virtio-rng-pci: MSI-X support is mandatory in the S390 architecture'],
    [
      '-device virtio-rng-pci,addr=1 -device virtio-rng-pci,addr=1',
      '-device virtio-rng-pci: PCI: slot 1 function 0 not available for virtio-rng-pci, in use by virtio-rng-pci',
    ],
    ['-device virtio-rng-pci,addr=40', "-device virtio-rng-pci: Property 'addr' doesn't take value '40'"],
    ['-device virtio-blk-pci', '-device virtio-blk-pci: drive property not set'],
    ['-cpu z196 -device virtio-rng-pci', "-device virtio-rng-pci: No 'PCI' bus found for device 'virtio-rng-pci'"],
    ['-smp 249', "-smp: Invalid SMP CPUs 249. The max CPUs supported by machine 's390-ccw-virtio' is 248"],
    ['-device qemu-s390x-cpu', '-device qemu-s390x-cpu: Unable to add CPU with core-id: 0, it already exists'],
    [
      '-smp 1,maxcpus=2 -device qemu-s390x-cpu,core-id=2',
      '-device qemu-s390x-cpu: Unable to add CPU with core-id: 2, maximum core-id: 1',
    ],
    [
      '-device virtio-balloon-ccw -device virtio-balloon-ccw',
      '-device virtio-balloon-ccw: Only one balloon device is supported',
    ],
    ['-M loadparm=a/b', "LOADPARM: invalid character '/' (ASCII 0x2f)"],
    ['-cpu z17', "-cpu: Invalid CPU type: z17. The valid types of machine 's390-ccw-virtio' are: qemu, max, z10EC"],
  ])('%s', async (text, message) => {
    const argv = text.split(' ').map((word) => word.replace(/@(\w+)/, (_, name: string) => path(name)));
    const { ended } = startProgram(['-display', 'none', '-serial', 'none', '-monitor', 'none', ...argv], 's390x');
    const { status, out, err } = await ended;
    expect([status, out]).toEqual([1, '']);
    expect(err.replaceAll(`${folder}/`, '@')).toContain(`boardwalk-system-s390x: ${message}`);
    expect(err.trimEnd()).not.toContain('\n');
  });
});
