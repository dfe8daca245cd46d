/**
 * Devices as Debian's Linux finds and uses them: one machine with everything that can be plugged in, at the start and later. Skipped with
 * a printed reason where Debian's packages cannot be had.
 */
import {
  balloonOf,
  devicesOf,
  HostClockSource,
  isCapacityTeller,
  MemoryBlock,
  MiB,
  PipeChar,
  plugDevice,
  VirtualClock,
} from '@boardwalk/core';
import { machineBooter } from '@boardwalk/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { bootToShell, shell } from './linux-shell.ts';
import { NetPeer } from './net-peer.ts';

const MINUTES = 60_000;

const bootMachine = machineBooter(afterEach);

it(
  'Linux uses a SCSI disk, a disk that grows, a balloon, a network, a console, a CPU that comes later, a watchdog, and ends when the power button is pressed',
  async (context) => {
    let skippedMs = 0;
    const port = new PipeChar();
    const peer = new NetPeer([10, 0, 0, 1]);
    const disk = new MemoryBlock(new Uint8Array(MiB(1)).fill(0x41));
    const growing = new MemoryBlock(MiB(1));
    const booted = await bootToShell(
      bootMachine,
      [
        { driver: 'virtio-scsi-ccw', id: 'scsi' },
        { driver: 'scsi-hd', id: 'disk', properties: { drive: disk, 'scsi-id': 2, lun: 3, serial: 'BW1' } },
        { driver: 'virtio-blk-ccw', id: 'growing', properties: { drive: growing } },
        { driver: 'virtio-balloon-ccw', id: 'balloon' },
        { driver: 'virtio-net-ccw', id: 'net', properties: { netdev: peer, mac: '52:54:00:00:00:99' } },
        { driver: 'diag288', id: 'watchdog' },
        { driver: 'virtio-serial-ccw', id: 'serial' },
        { driver: 'virtconsole', id: 'console', properties: { chardev: port } },
      ],
      {
        smp: { cpus: 1, maxcpus: 3 },
        clock: new VirtualClock(new HostClockSource(() => performance.now() + skippedMs)),
      },
    );
    const guest = booted ?? context.skip("Debian's packages cannot be had here");
    await shell(guest, 'modprobe -a virtio_blk virtio_scsi sd_mod virtio_balloon virtio_net');

    expect(
      await shell(
        guest,
        'for i in $(seq 100); do [ -e /dev/sda ] || sleep 0.2; done; cat /sys/bus/scsi/devices/*:2:3/model',
      ),
    ).toContain('QEMU HARDDISK');
    expect(await shell(guest, 'head -c 4 /dev/sda')).toContain('AAAA');
    await shell(guest, 'echo written by the guest | dd of=/dev/sda bs=512 seek=9 conv=sync,fsync 2>/dev/null');
    expect(new TextDecoder().decode(disk.contents.subarray(9 * 512, 9 * 512 + 20))).toBe('written by the guest');

    const sectors =
      'for i in $(seq 100); do [ $(cat /sys/block/vda/size) = 2048 ] || break; sleep 0.1; done; cat /sys/block/vda/size';
    expect(await shell(guest, 'cat /sys/block/vda/size')).toMatch(/^2048\b/m);
    await growing.resize(MiB(3));
    for (const device of devicesOf(guest.machine).filter(isCapacityTeller)) device.capacityChanged();
    expect(await shell(guest, sectors)).toMatch(/^6144\b/m);
    expect(await shell(guest, 'dd if=/dev/vda of=/dev/null bs=1M && echo all read')).toContain('all read');

    balloonOf(guest.machine).setGuestMemory(MiB(192));
    const asked = { timeout: 2 * MINUTES, interval: 50 };
    await vi.waitFor(() => expect(balloonOf(guest.machine).guestMemory).toBe(MiB(192)), asked);
    const total = /MemTotal: +(\d+) kB/.exec(await shell(guest, 'grep MemTotal /proc/meminfo'))?.[1];
    expect(Number(total)).toBeLessThan(192 * 1024);

    await shell(guest, 'ip address add 10.0.0.2/24 dev eth0; ip link set eth0 up');
    expect(await shell(guest, 'ip link show eth0')).toContain('52:54:00:00:00:99');
    expect(await shell(guest, 'ping -c 2 -s 1400 10.0.0.1')).toContain('2 packets received');
    expect(peer.echoes).toBe(2);

    await shell(guest, 'echo to the console >/dev/hvc0');
    await port.waitFor('to the console', { timeoutMs: MINUTES });

    plugDevice(guest.machine, { driver: 'qemu-s390x-cpu', id: 'second', properties: { 'core-id': 2 } });
    await shell(
      guest,
      'until [ -e /sys/devices/system/cpu/cpu1 ]; do sleep 0.1; done; echo 1 >/sys/devices/system/cpu/cpu1/online',
    );
    expect(await shell(guest, 'grep -c ^processor /proc/cpuinfo; cat /sys/devices/system/cpu/cpu1/address')).toMatch(
      /\b2\r?\n2\b/,
    );
    expect(await shell(guest, 'taskset 2 sha256sum </dev/null')).toContain('e3b0c44298fc1c149afbf4c8996fb924');

    // The watchdog gets 15 seconds, which pass at once, and is not told again that the program lives.
    guest.machine.actions.watchdog = 'none';
    const forgotten = new Promise((resolve) => guest.machine.on('watchdog', resolve));
    await shell(guest, 'modprobe diag288_wdt; watchdog -t 1000 -T 15 /dev/watchdog');
    skippedMs += 15_000;
    guest.machine.wake();
    expect(await forgotten).toEqual({ action: 'none' });

    guest.machine.powerdown();
    expect(await guest.exit()).toMatchObject({ cause: 'guest', reason: 'shutdown' });
  },
  20 * MINUTES,
);
