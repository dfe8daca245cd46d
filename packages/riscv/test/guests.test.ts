/**
 * Real software on the virt board: Debian's OpenSBI, U-Boot, Linux and installer, and our own monitor. Skipped with a
 * printed reason where Debian's packages cannot be had.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  createObjectTree,
  createRamBackend,
  type MachineOptions,
  MemoryBlock,
  PipeChar,
  RamSpace,
  TypeRegistry,
} from '@boardwalk/core';
import { registerDeviceTypes } from '@boardwalk/devices';
import { readMonitor } from '@boardwalk/guest';
import { ifReachable, prepareFirmware, prepareInstaller, prepareLinux, prepareUBoot } from '@boardwalk/launch';
import { CodeInMemory, machineBooter, type TestMachine } from '@boardwalk/testing';
import type { EngineStats } from '@boardwalk/translator';
import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import { virt } from '../src/boards/virt.ts';
import { RiscvCpu } from '../src/cpu/riscv-cpu.ts';
import { csr } from '../src/cpu/state.ts';

const MiB = 2 ** 20;
const MINUTES = 60_000;

const bootMachine = machineBooter(afterEach);
const boot = (options: MachineOptions): Promise<TestMachine> =>
  bootMachine({ board: virt, ramSize: 256 * MiB, ...options });

/** What `prepare` fetches, or the test is skipped. */
async function need<T>(context: TestContext, prepared: Promise<T>): Promise<T> {
  const found = await ifReachable(prepared);
  return found ?? context.skip("Debian's packages cannot be had here");
}

async function linux(context: TestContext): Promise<MachineOptions> {
  const files = await need(context, prepareLinux());
  return {
    firmware: await readFile(files.firmware),
    kernel: await readFile(files.kernel),
    initrd: await readFile(files.initrd),
  };
}

/** Lets the guest's own checks run, and gives what they printed. */
async function linuxTest(
  context: TestContext,
  cpus: number,
  disk: Uint8Array,
  codeStore = new CodeInMemory(),
): Promise<{ readonly text: string; readonly stats: EngineStats | undefined }> {
  const guest = await boot({
    codeStore,
    ...(await linux(context)),
    smp: { cpus },
    append: 'console=ttyS0 boardwalk.test=ci',
    drives: [{ if: 'virtio', backend: new MemoryBlock(disk) }],
  });
  await guest.expectSerial(/boardwalk-test: end ci passed=\d+ failed=0/, { timeoutMs: 6 * MINUTES });
  expect((await guest.exit()).status).toBe(0);
  const [cpu] = guest.machine.cpus;
  const stats = cpu instanceof RiscvCpu ? cpu.engine.stats : undefined;
  await guest.machine.dispose();
  return { text: guest.output, stats };
}

describe('Linux on the virt board', () => {
  for (const cpus of [1, 4]) {
    it(
      `boots to our init with ${cpus} CPU(s), uses its disk, and turns the machine off`,
      async (context) => {
        const disk = new Uint8Array(MiB).fill(0x5a);
        const { text } = await linuxTest(context, cpus, disk);
        expect(text).toContain(`boardwalk-test: processors ${cpus}`);
        expect(text.match(/^processor\s*:/gm)).toHaveLength(cpus);
        const head = createHash('sha256').update(new Uint8Array(512).fill(0x5a)).digest('hex');
        expect(text).toContain(`boardwalk-test: disk head ${head}`);
        // What the guest wrote is on the disk, and nothing else has changed.
        const written = 'boardwalk was here: ci\n';
        expect(new TextDecoder().decode(disk.subarray(4096, 4096 + written.length))).toBe(written);
        expect(disk.subarray(0, 4096).every((byte) => byte === 0x5a)).toBe(true);
        expect(disk.subarray(8192).every((byte) => byte === 0x5a)).toBe(true);
      },
      8 * MINUTES,
    );
  }

  it(
    'does the same again with the code that a boot before left',
    async (context) => {
      const codeStore = new CodeInMemory();
      const checks = /boardwalk-test: end ci passed=\d+ failed=0/;
      const texts: (string | undefined)[] = [];
      for (let n = 0; n < 3; n++) {
        const { text, stats } = await linuxTest(context, 1, new Uint8Array(MiB), codeStore);
        texts.push(checks.exec(text)?.[0]);
        if (n === 0) continue;
        const { kept = 0, translated = 0, tier1 } = stats ?? {};
        expect(kept).toBeGreaterThan(10 * translated);
        expect(tier1?.kept).toBeGreaterThan(3 * (tier1?.compiled ?? 0));
      }
      expect(new Set(texts).size).toBe(1);
    },
    15 * MINUTES,
  );

  it(
    'boots on four harts with the ACLINT in place of the CLINT',
    async (context) => {
      const guest = await boot({
        ...(await linux(context)),
        smp: { cpus: 4 },
        boardProps: { aclint: 'on' },
        append: 'console=ttyS0 quiet',
      });
      await guest.expectSerial('~ # ', { timeoutMs: 6 * MINUTES });
      expect(guest.output).toMatch(/Platform IPI Device +: aclint-mswi/);
      expect(guest.output).toMatch(/Platform Timer Device +: aclint-mtimer @ 10000000Hz/);
      guest.send('ls /proc/device-tree/soc; grep -c ^processor /proc/cpuinfo; poweroff -f\n');
      expect(await guest.exit()).toMatchObject({ reason: 'shutdown', status: 0 });
      for (const node of ['mswi@2000000', 'mtimer@2004000', 'sswi@2f00000']) expect(guest.output).toContain(node);
      expect(guest.output).not.toContain('clint@');
      expect(guest.output).toMatch(/\n4\r/);
    },
    8 * MINUTES,
  );

  it(
    'sees two NUMA nodes on two backends: their CPUs, memory and distances',
    async (context) => {
      const root = createObjectTree();
      const space = RamSpace.create();
      const objects = root.children.get('objects');
      for (const id of ['m0', 'm1']) objects?.addChild(id, createRamBackend(space, { id, size: 128 * MiB }));
      const guest = await boot({
        ...(await linux(context)),
        root,
        space,
        smp: { cpus: 4 },
        numa: [
          { type: 'node', nodeid: 0, memdev: 'm0', cpus: [0, 1] },
          { type: 'node', nodeid: 1, memdev: 'm1', cpus: [2, 3] },
          { type: 'dist', src: 0, dst: 1, val: 23 },
        ],
        append: 'console=ttyS0 quiet',
      });
      await guest.expectSerial('~ # ', { timeoutMs: 6 * MINUTES });
      guest.send(
        'cd /sys/devices/system/node; cat online; for n in 0 1; do cat node$n/cpulist node$n/distance; done; grep -h MemTotal node*/meminfo; echo fin""ished\n',
      );
      const { before: text } = await guest.expectSerial('finished', { timeoutMs: MINUTES });
      expect(text).toMatch(/0-1\r\n0-1\r\n10 23\r\n2-3\r\n23 10\r\n/);
      for (const node of [0, 1]) expect(text).toMatch(new RegExp(`Node ${node} MemTotal: +(9|1[0-3])\\d{4} kB`));
    },
    8 * MINUTES,
  );

  it(
    'gives a shell, a virtio console and random numbers',
    async (context) => {
      const types = new TypeRegistry();
      registerDeviceTypes(types);
      const console2 = new PipeChar();
      const guest = await boot({
        ...(await linux(context)),
        append: 'console=ttyS0 quiet',
        types,
        devices: [
          { driver: 'virtio-serial-device' },
          { driver: 'virtconsole', properties: { chardev: console2 } },
          { driver: 'virtio-rng-device' },
        ],
      });
      await guest.expectSerial('~ # ', { timeoutMs: 4 * MINUTES });
      guest.send('exec 3<>/dev/hvc0; stty raw -echo <&3; echo to the console >&3; head -n 1 <&3\n');
      await console2.waitFor('to the console', { timeoutMs: MINUTES });
      console2.send('from the console\n');
      await guest.expectSerial('from the console');
      guest.send('cat /sys/class/misc/hw_random/rng_current; head -c 32 /dev/hwrng | wc -c\n');
      await guest.expectSerial(/virtio_rng\.\d+\s+32/);
      guest.send('exit\n');
      expect((await guest.exit()).status).toBe(0);
    },
    8 * MINUTES,
  );

  it(
    'reaches the first screen of the Debian installer',
    async (context) => {
      const { kernel, initrd } = await need(context, prepareInstaller());
      const guest = await boot({
        ramSize: 512 * MiB,
        firmware: await readFile(await prepareFirmware()),
        kernel: await readFile(kernel),
        initrd: await readFile(initrd),
        // The word "auto" keeps it to one console. Else it runs on tty1 too, and each takes away the package list for a moment now and
        // then while the other reads it: main-menu dies of a load from address 8 then, on every machine.
        append: 'console=ttyS0 auto=false',
      });
      await guest.expectSerial('Select a language', { timeoutMs: 7 * MINUTES });
    },
    8 * MINUTES,
  );
});

describe('firmware on the virt board', () => {
  const converse = async (guest: TestMachine): Promise<void> => {
    await guest.expectSerial('Hit any key to stop autoboot', { timeoutMs: 2 * MINUTES });
    guest.send('\n');
    await guest.expectSerial('=> ');
    guest.send('version\n');
    await guest.expectSerial(/U-Boot 20\d\d\.\d\d/);
    await guest.expectSerial('=> ');
    guest.send('setexpr answer 0x2a * 0x3e8; env print answer\n');
    await guest.expectSerial('answer=a410');
  };

  it(
    'U-Boot in machine mode answers commands',
    async (context) => {
      const { machineMode } = await need(context, prepareUBoot());
      const guest = await boot({ firmware: await readFile(machineMode) });
      await converse(guest);
    },
    4 * MINUTES,
  );

  it(
    'OpenSBI starts U-Boot in supervisor mode, and turns the machine off for it',
    async (context) => {
      const { supervisorMode } = await need(context, prepareUBoot());
      const guest = await boot({
        firmware: await readFile(await prepareFirmware()),
        kernel: await readFile(supervisorMode),
      });
      await guest.expectSerial(/OpenSBI v\d/);
      await converse(guest);
      guest.send('poweroff\n');
      expect((await guest.exit()).status).toBe(0);
    },
    4 * MINUTES,
  );
});

describe('our monitor on the virt board', () => {
  it(
    'shows the machine, tests RAM, computes, and ends with the status that it is told',
    async () => {
      const guest = await boot({ firmware: await readMonitor() });
      await guest.expectSerial('> ');
      guest.send('help\n');
      await guest.expectSerial('poweroff');
      guest.send('poweroff 42\n');
      expect((await guest.exit()).status).toBe(42);
    },
    MINUTES,
  );
});

describe('a guest that goes wrong', () => {
  /** The first hart, after the guest has run for a while. */
  async function afterAWhile(firmware: Uint8Array): Promise<RiscvCpu> {
    const { machine } = await boot({ firmware });
    await new Promise((resolve) => setTimeout(resolve, 500));
    machine.pause();
    const [cpu] = machine.cpus;
    if (!(cpu instanceof RiscvCpu)) throw new Error('no hart');
    return cpu;
  }

  it(
    'executes garbage without hurting the host',
    async () => {
      let seed = 12345;
      const garbage = new Uint8Array(64 * 1024).map(() => {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        return seed >>> 16;
      });
      // The first word of it is no instruction: the hart traps to address 0, where there is nothing, and so on for ever.
      const cpu = await afterAWhile(garbage);
      expect(cpu.register(csr.mcause)).toBe(1n);
      expect(cpu.instructionCount).toBeGreaterThan(0n);
    },
    MINUTES,
  );

  it(
    'jumps into nothing, and takes an access fault there',
    async () => {
      // auipc t0, 0; addi t0, t0, 28; csrw mtvec, t0; li a0, 0x10; slli a0, a0, 56; jr a0; nop; handler: j handler
      const words = [0x00000297, 0x01c28293, 0x30529073, 0x01000513, 0x03851513, 0x00050067, 0x00000013, 0x0000006f];
      const cpu = await afterAWhile(new Uint8Array(Uint32Array.from(words).buffer));
      expect(cpu.register(csr.mcause)).toBe(1n);
      expect(cpu.register(csr.mepc)).toBe(0x10n << 56n);
      expect(cpu.register(csr.mtval)).toBe(0x10n << 56n);
      expect(cpu.pc).toBe(0x8000001cn);
    },
    MINUTES,
  );
});
