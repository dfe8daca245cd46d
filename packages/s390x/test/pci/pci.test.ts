/**
 * PCI as Debian's Linux finds and uses it. What sysfs says is what it says on qemu-system-s390x 7.2 with the same devices. Skipped with a
 * printed reason where Debian's packages cannot be had.
 */
import { MemoryBlock, MiB, plugDevice, unplugDevice } from '@boardwalk/core';
import { machineBooter } from '@boardwalk/testing';
import { afterEach, expect, it } from 'vitest';
import { bootToShell, shell } from '../linux-shell.ts';
import { NetPeer } from '../net-peer.ts';

const MINUTES = 60_000;
const bootMachine = machineBooter(afterEach);

const FILES = 'vendor device subsystem_vendor subsystem_device class revision irq resource modalias pfgid pchid pft';
const MORE_FILES = 'function_id function_handle uid uid_is_unique vfn mio_enabled enable';

/** What each function's files say, one after the other. */
const FUNCTIONS = `
0001:00:00.0
0x1af4 0x1005 0x1af4 0x0004 0x00ff00 0x00 0
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x4001000000000000 0x4001000000000fff 0x0000000000040200
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x4002000000000000 0x4002000000003fff 0x000000000014220c
pci:v00001AF4d00001005sv00001AF4sd00000004bc00scFFi00 0xff 0x0000 0x00
0x00000000 0x80020000 0x1 1 0x0000 0 1
0002:00:00.0
0x1af4 0x1000 0x1af4 0x0001 0x020000 0x00 0
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x4004000000000000 0x4004000000000fff 0x0000000000040200
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x4005000000000000 0x4005000000003fff 0x000000000014220c
pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00 0xff 0x0000 0x00
0x00000001 0x80020001 0x2 1 0x0000 0 1
0007:00:00.0
0x1af4 0x1001 0x1af4 0x0002 0x010000 0x00 0
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x4007000000000000 0x4007000000000fff 0x0000000000040200
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x4008000000000000 0x4008000000003fff 0x000000000014220c
pci:v00001AF4d00001001sv00001AF4sd00000002bc01sc00i00 0xff 0x0000 0x00
0x00000009 0x80020002 0x7 1 0x0000 0 1
`;

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

it(
  'Linux finds functions on PCI, and uses a disk, a network and a random number generator there',
  async (context) => {
    const peer = new NetPeer([10, 0, 0, 1]);
    const disk = new MemoryBlock(new Uint8Array(MiB(1)).fill(0x41));
    const booted = await bootToShell(bootMachine, [
      { driver: 'virtio-rng-pci' },
      { driver: 'virtio-net-pci', id: 'net', properties: { netdev: peer, mac: '52:54:00:00:00:99' } },
      { driver: 'zpci', properties: { uid: 7, fid: 9, target: 'blk' } },
      { driver: 'virtio-blk-pci', id: 'blk', properties: { drive: disk } },
    ]);
    const guest = booted ?? context.skip("Debian's packages cannot be had here");
    await shell(guest, 'modprobe -a virtio_pci virtio_net');
    await shell(
      guest,
      'for i in $(seq 100); do [ -e /dev/vda ] && [ -e /sys/class/net/eth0 ] && break; sleep 0.2; done',
    );

    // Six windows of thirteen resources: the rest is for bridges.
    const cat = (file: string) => (file === 'resource' ? `head -n 5 $d/${file}` : `cat $d/${file}`);
    const commands = [...words(FILES), ...words(MORE_FILES)].map(cat).join('; ');
    // The line that is sent comes back before what it prints.
    await shell(guest, `echo 'for d in /sys/bus/pci/devices/*; do basename $d; ${commands}; done' >/look`);
    const looked = await shell(guest, 'sh /look');
    expect(words(looked.slice(looked.indexOf('0001:00:00.0')))).toEqual(words(FUNCTIONS));

    expect(await shell(guest, 'head -c 4 /dev/vda')).toContain('AAAA');
    await shell(guest, 'echo written by the guest | dd of=/dev/vda bs=512 seek=9 conv=sync,fsync 2>/dev/null');
    expect(new TextDecoder().decode(disk.contents.subarray(9 * 512, 9 * 512 + 20))).toBe('written by the guest');

    await shell(guest, 'ip address add 10.0.0.2/24 dev eth0; ip link set eth0 up');
    expect(await shell(guest, 'ping -c 2 -s 1400 10.0.0.1')).toContain('2 packets received');
    expect(peer.echoes).toBe(2);
    expect(await shell(guest, 'head -c 64 /dev/hwrng | wc -c')).toContain('64');

    // All of it by messages.
    const counts = await shell(guest, 'grep PCI-MSI /proc/interrupts');
    for (const name of ['virtio0-input', 'virtio1-input.0', 'virtio1-output.0', 'virtio2-req.0']) {
      expect(Number(new RegExp(`: +(\\d+) +PCI-MSI +${name}`).exec(counts)?.[1])).toBeGreaterThan(0);
    }
    // A disk whose addresses go through the tables that the program has registered.
    const mapped = new MemoryBlock(new Uint8Array(MiB(4)).fill(0x42));
    const properties = { drive: mapped, 'disable-legacy': 'on', iommu_platform: true };
    plugDevice(guest.machine, { driver: 'virtio-blk-pci', id: 'mapped', properties });
    await shell(guest, 'for i in $(seq 100); do [ -e /dev/vdb ] && break; sleep 0.1; done');
    const features = await shell(guest, 'echo F$(cut -c 34 /sys/block/vdb/device/features)');
    expect(features).toContain('F1');
    expect(
      await shell(guest, 'tr -d B </dev/vdb | wc -c; dd if=/dev/vdb bs=1M of=/copy; tr -d B </copy | wc -c'),
    ).toMatch(/^0\r?\n[\s\S]*^0\r?\n/m);
    await shell(guest, 'seq 100000 | dd of=/dev/vdb bs=64k seek=1 conv=fsync 2>/dev/null');
    const numbers = new TextDecoder().decode(mapped.contents.subarray(65536, 65536 + 588_895));
    expect(numbers).toBe(Array.from({ length: 100_000 }, (_, n) => `${n + 1}\n`).join(''));
    unplugDevice(guest.machine, 'mapped');
    await shell(guest, 'for i in $(seq 100); do [ -e /dev/vdb ] || break; sleep 0.1; done');
    // A function is put aside and taken again; one comes, and goes when the program has let it.
    const slots = '/sys/bus/pci/slots';
    await shell(guest, `echo 0 >${slots}/00000009/power`);
    expect(words(await shell(guest, 'ls /sys/bus/pci/devices'))).not.toContain('0007:00:00.0');
    await shell(guest, `echo 1 >${slots}/00000009/power`);
    expect(words(await shell(guest, 'ls /sys/bus/pci/devices'))).toContain('0007:00:00.0');
    plugDevice(guest.machine, { driver: 'virtio-rng-pci', id: 'late' });
    await shell(
      guest,
      'for i in $(seq 100); do [ -e /sys/bus/pci/devices/0003:00:00.0/virtio* ] && break; sleep 0.1; done',
    );
    expect(words(await shell(guest, 'ls /sys/bus/pci/devices'))).toContain('0003:00:00.0');
    unplugDevice(guest.machine, 'late');
    await shell(guest, `for i in $(seq 100); do [ -e ${slots}/00000002 ] || break; sleep 0.1; done`);
    expect(words(await shell(guest, 'ls /sys/bus/pci/devices'))).not.toContain('0003:00:00.0');
    expect(guest.machine.children.get('peripheral')?.children.has('late')).toBe(false);
    guest.machine.powerdown();
    expect(await guest.exit()).toMatchObject({ cause: 'guest', reason: 'shutdown' });
  },
  20 * MINUTES,
);
