// libvirt, as Debian has it, drives the built program in place of QEMU: it asks what the program can do, starts a machine with a disk,
// stops it, lets it go on, asks it over QMP and HMP, and ends it.

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { guestProgram } from './guest.ts';

const PROGRAM = fileURLToPath(new URL('../bin/boardwalk-system-riscv64.js', import.meta.url));
const DRIVER = 'libvirt/connection-driver/libvirt_driver_qemu.so';
const NOBODY = 65_534;
const asRoot = process.getuid?.() === 0;

/** Where virsh is, for a PATH without it. */
const VIRSH = spawnSync('sh', ['-c', 'command -v virsh'], { encoding: 'utf8' }).stdout?.trim() || undefined;

/** Why libvirt cannot be had here; undefined where it can. */
function missing(): string | undefined {
  if (!existsSync(new URL('../dist/index.js', import.meta.url))) return 'the program is not built';
  if (process.platform !== 'linux') return 'libvirt drives QEMU on Linux';
  if (VIRSH === undefined) return 'virsh is not here (Debian: libvirt-clients)';
  const folders = ['/usr/lib', `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`];
  if (!folders.some((folder) => existsSync(join(folder, DRIVER)))) {
    return "libvirt's driver is not here (Debian: libvirt-daemon-driver-qemu)";
  }
  return undefined;
}

const reason = missing();
if (reason !== undefined) console.log(`not run with libvirt: ${reason}`);

// Not below a folder that only root may enter: as root, libvirt's driver runs as nobody.
const folder = mkdtempSync(join(tmpdir(), 'boardwalk-libvirt-'));
const path = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

function give(name: string, contents?: Uint8Array | string, mode = 0o644): string {
  const at = path(name);
  if (contents === undefined) mkdirSync(at, { recursive: true });
  else writeFileSync(at, contents);
  chmodSync(at, contents === undefined ? 0o755 : mode);
  if (asRoot) chownSync(at, NOBODY, NOBODY);
  return at;
}

/** Commands of virsh, each on a connection of its own to libvirt inside virsh itself. @returns what it printed */
function virsh(...commands: string[]): string {
  const uri = `qemu:///embed?root=${path('root')}`;
  return execFileSync(VIRSH ?? 'virsh', ['-q', '-c', uri, commands.join('; ')], {
    encoding: 'utf8',
    // Nothing but our program is to be found: libvirt asks every emulator that there is.
    env: { PATH: path('bin'), HOME: folder, XDG_RUNTIME_DIR: folder, XDG_CACHE_HOME: folder, LC_ALL: 'C' },
    ...(asRoot ? { uid: NOBODY, gid: NOBODY } : {}),
    timeout: 60_000,
  });
}

const DOMAIN = (emulator: string): string => `<domain type='qemu'>
  <name>board</name>
  <uuid>6d7b1c5e-2f3a-4b5c-8d9e-0a1b2c3d4e5f</uuid>
  <memory unit='MiB'>32</memory>
  <vcpu>2</vcpu>
  <os><type arch='riscv64' machine='virt'>hvm</type><loader type='rom'>${path('guest')}</loader></os>
  <devices>
    <emulator>${emulator}</emulator>
    <serial type='file'><source path='${path('serial')}'/></serial>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='${path('disk')}'/><target dev='vda' bus='virtio'/>
      <address type='virtio-mmio'/>
    </disk>
    <memballoon model='none'/>
    <controller type='usb' model='none'/>
  </devices>
</domain>`;

it.skipIf(reason !== undefined)(
  'libvirt asks what the program can do, and runs a machine with it',
  () => {
    chmodSync(folder, 0o755);
    if (asRoot) chownSync(folder, NOBODY, NOBODY);
    for (const name of ['bin', 'root', 'root/etc']) give(name);
    give('root/etc/qemu.conf', 'stdio_handler = "file"\n');
    const emulator = give(
      'bin/boardwalk-system-riscv64',
      `#!/bin/sh\nexec ${process.execPath} ${PROGRAM} "$@"\n`,
      0o755,
    );
    give('guest', guestProgram());
    give('disk', new Uint8Array(1 << 20));
    give('domain.xml', DOMAIN(emulator));

    const capabilities = virsh(`domcapabilities --emulatorbin ${emulator} --arch riscv64 --machine virt`);
    expect(capabilities).toContain(`<path>${emulator}</path>`);
    expect(capabilities).toContain('<arch>riscv64</arch>');
    expect(capabilities).toContain("<vcpu max='8'/>");
    expect(capabilities).toContain('<value>memfd</value>');

    const session = virsh(
      `create ${path('domain.xml')}`,
      'domstate board',
      'suspend board',
      'domstate board --reason',
      "qemu-monitor-command board --hmp 'info status'",
      'resume board',
      'domstate board',
      `qemu-monitor-command board '{"execute": "query-cpus-fast"}'`,
      'domblklist board',
      'dominfo board',
      'destroy board',
    );
    const states = session.split('\n').filter((line) => /^(running|paused)/.test(line));
    expect(states).toEqual(['running', 'paused (user)', 'running']);
    expect(session).toContain('VM status: paused');
    expect(session).toContain('"cpu-index":1');
    expect(session).toMatch(/vda\s+\S+\/disk/);
    expect(session).toMatch(/Max memory:\s+32768 KiB/);
    // Each of its CPUs says so.
    expect(readFileSync(path('serial'), 'utf8')).toContain('hello\n');
  },
  120_000,
);
