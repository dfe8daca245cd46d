// IPL: what is loaded, where the first CPU starts, and DIAGNOSE 0x308.
import { readFile } from 'node:fs/promises';
import { type ExitInfo, MiB } from '@boardwalk/core';
import { afterEach, describe, expect, it } from 'vitest';
import { type TestMainframe, testMainframe } from '../boards/test-machine.ts';
import { CC_UNCHANGED, PGM_SPECIFICATION, programInterruption } from '../cpu/services.ts';
import { AbsoluteStorage } from '../css/storage.ts';
import { firmwareBase, layOutFirmware } from './firmware.ts';
import type { IplSources } from './ipl.ts';
import { encodeIplBlock } from './ipl-block.ts';
import { layOutKernel } from './kernel.ts';

const FIRMWARE = '/usr/share/qemu/s390-ccw.img';

/** What looks like Linux: the magic behind the start, and room for its command line. */
function linux(size = MiB(1), commandLine = 0): Uint8Array {
  const kernel = new Uint8Array(size);
  kernel.set(new TextEncoder().encode('S390EP'), 0x1_0008);
  new DataView(kernel.buffer).setBigUint64(0x1_0430, BigInt(commandLine));
  return kernel;
}

const machines: TestMainframe[] = [];
afterEach(async () => {
  for (const { machine } of machines.splice(0)) await machine.dispose();
});

async function machineOf(ipl: Partial<IplSources>, cpus = 1): Promise<TestMainframe & { storage: AbsoluteStorage }> {
  const test = await testMainframe({ devices: [{ driver: 'virtio-rng-ccw' }] }, ipl, cpus);
  machines.push(test);
  return { ...test, storage: new AbsoluteStorage(test.machine.addressSpace) };
}

describe('a kernel', () => {
  it('of Linux lies at 0, with its RAM disk at 8 MiB and its command line behind the parameters', async () => {
    const initrd = Uint8Array.of(7, 8, 9);
    const kernel = await layOutKernel({ kernel: linux(), initrd, append: 'console=ttysclp0' }, MiB(16));
    const { cpu, storage } = await machineOf({ kernel });
    expect([cpu.pswMask, cpu.pswAddress, cpu.cpuState]).toEqual([0x1_8000_0000n, 0x1_0000n, 'operating']);
    expect(storage.doubleword(0x1_0408)).toBe(BigInt(MiB(8)));
    expect(storage.doubleword(0x1_0410)).toBe(3n);
    expect(storage.byte(MiB(8) + 2)).toBe(9);
    const text = new Uint8Array(17);
    storage.read(0x1_0480, text);
    expect(new TextDecoder().decode(text)).toBe('console=ttysclp0\0');
  });

  it('that is large has its RAM disk a MiB behind it', async () => {
    const { image } = await layOutKernel({ kernel: linux(MiB(9) - 5), initrd: Uint8Array.of(1) }, MiB(16));
    expect(image.parts[1]?.address).toBe(MiB(10));
  });

  it('that is no Linux starts at the PSW in its first doubleword', async () => {
    const bytes = new Uint8Array(0x1000);
    new DataView(bytes.buffer).setBigUint64(0, 0x0008_0000_8000_0200n);
    const { cpu } = await machineOf({ kernel: await layOutKernel({ kernel: bytes }, MiB(16)) });
    expect(cpu.done).toContain('short psw 8000080000200');
  });

  it.each([
    [{ kernel: new Uint8Array(0) }, '-kernel: the file is empty'],
    [{ kernel: new TextEncoder().encode('root:x:0:0:root') }, '-kernel: it is no kernel for s390x'],
    [{ kernel: linux(MiB(17)) }, '-kernel: it does not fit: it ends at 0x1100000, RAM at 0x1000000'],
    [{ kernel: linux(), initrd: new Uint8Array(MiB(9)) }, '-initrd: it does not fit'],
    [{ kernel: linux(), append: 'x'.repeat(896) }, '-append: kernel command line exceeds maximum size: 897 > 896'],
    [{ kernel: linux(MiB(1), 4096), append: 'x'.repeat(4096) }, 'exceeds maximum size: 4097 > 4096'],
  ])('is refused: %#', async (files, text) => {
    await expect(layOutKernel(files, MiB(16))).rejects.toThrow(text);
  });

  it('of another architecture is refused', async () => {
    const elf = new Uint8Array(64);
    elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
    elf.set([2, 0, 243, 0], 16);
    await expect(layOutKernel({ kernel: elf }, MiB(16))).rejects.toThrow(
      '-kernel: it is a 64-bit little-endian RISC-V ELF file, not one for s390x',
    );
  });
});

describe('firmware', () => {
  it('is relocated to the end of storage, and finds the device to load from', async (context) => {
    const file = await readFile(FIRMWARE).catch(() => context.skip(`${FIRMWARE} is not installed`));
    const firmware = await layOutFirmware(file, MiB(16));
    expect(firmwareBase(MiB(16))).toBe(MiB(14));
    expect(firmware.entry).toBeGreaterThan(MiB(14));
    const device = { ssid: 1, deviceNumber: 0x1234, loadParameter: 'prompt' };
    const { cpu, mainframe, storage } = await machineOf({ firmware, device: () => device });
    expect(cpu.pswAddress).toBe(BigInt(firmware.entry));
    cpu.setGpr(2, 0x2_0000n);
    cpu.setGpr(5, 6n);
    expect(mainframe.diagnose(cpu, 0x308, 2, 5)).toBe(CC_UNCHANGED);
    expect(cpu.gpr(3)).toBe(1n);
    expect([storage.word(0x2_0000), storage.word(0x2_000c), storage.word(0x2_006c)]).toEqual([
      200, 0x0280_0000, 0x0001_1234,
    ]);
    expect(storage.doubleword(0x2_0010)).toBe(0xd7d9_d6d4_d7e3_4040n);
  });
});

describe('DIAGNOSE 0x308', () => {
  async function call(test: TestMainframe, subcode: number, address = 0x2_0000): Promise<bigint> {
    test.cpu.setGpr(2, BigInt(address));
    test.cpu.setGpr(3, 0x7777n);
    test.cpu.setGpr(5, BigInt(subcode));
    expect(test.mainframe.diagnose(test.cpu, 0x308, 2, 5)).toBe(CC_UNCHANGED);
    return test.cpu.gpr(3);
  }

  it('sets and stores the block (observed)', async () => {
    const kernel = await layOutKernel({ kernel: linux() }, MiB(16));
    const test = await machineOf({ kernel });
    expect(await call(test, 6)).toBe(0x102n);
    expect(await call(test, 5)).toBe(0x402n);
    test.storage.write(0x2_0000, encodeIplBlock({ ssid: 0, deviceNumber: 0x1234, loadParameter: '' }));
    expect(await call(test, 5)).toBe(1n);
    expect(await call(test, 6, 0x3_0000)).toBe(1n);
    expect([test.storage.word(0x3_0000), test.storage.word(0x3_006c)]).toEqual([200, 0x1234]);
    test.storage.setByte(0x2_000c, 9);
    expect(await call(test, 5)).toBe(0x402n);
  });

  it('refuses subcodes that there are not, odd registers and addresses on no page', async () => {
    const { cpu, mainframe } = await machineOf({});
    const refused = programInterruption(PGM_SPECIFICATION);
    cpu.setGpr(5, 99n);
    expect(mainframe.diagnose(cpu, 0x308, 2, 5)).toBe(refused);
    cpu.setGpr(5, 6n);
    expect(mainframe.diagnose(cpu, 0x308, 3, 5)).toBe(refused);
    cpu.setGpr(2, 0x2_0008n);
    expect(mainframe.diagnose(cpu, 0x308, 2, 5)).toBe(refused);
  });

  it.each([
    [0, ['reset clear'], 'reset clear'],
    [1, ['reset cpu'], 'reset initial'],
  ] as const)('subcode %i resets all but storage, and goes on with the PSW at 0', async (subcode, others, own) => {
    const test = await machineOf({}, 2);
    const [, second] = test.mainframe.cpus;
    test.storage.setDoubleword(0, 0x0008_0000_8001_0000n);
    test.pending.queueIo({ subsystemId: 0, parameter: 0, word: 0 });
    await call(test, subcode);
    expect(test.cpu.done.slice(-2)).toEqual([own, 'short psw 8000080010000']);
    expect(test.cpu.cpuState).toBe('operating');
    expect(test.pending.io).toEqual([]);
    expect(second).toMatchObject({ done: others, cpuState: 'stopped' });
  });

  it('subcode 3 loads the machine again', async () => {
    const kernel = await layOutKernel({ kernel: linux() }, MiB(16));
    const test = await machineOf({ kernel });
    test.storage.setByte(0x1_0008, 0);
    const causes: string[] = [];
    test.machine.on('reset', ({ cause }) => causes.push(cause));
    await call(test, 3);
    expect(causes).toEqual(['guest']);
    expect(test.storage.byte(0x1_0008)).toBe(0x53);
    expect(test.cpu.pswAddress).toBe(0x1_0000n);
  });
});

describe('the end', () => {
  async function ended(test: TestMainframe): Promise<ExitInfo> {
    return test.machine.run();
  }

  it('comes when the last CPU has stopped', async () => {
    const test = await machineOf({}, 2);
    const [first, second] = test.mainframe.cpus;
    if (first === undefined || second === undefined) throw new Error('no CPUs');
    for (const cpu of [first, second]) cpu.startCpu();
    second.stopCpu();
    test.mainframe.cpuStopped(second, 'stopped');
    expect(test.machine.state).toBe('prelaunch');
    first.stopCpu();
    test.mainframe.cpuStopped(first, 'stopped');
    expect(await ended(test)).toEqual({ cause: 'guest', reason: 'shutdown', status: 0 });
  });

  it('is a panic when the last CPU waits for nothing, unless it says that it is done', async () => {
    const test = await machineOf({});
    const panics: unknown[] = [];
    test.machine.on('panic', (info) => panics.push(info));
    test.cpu.startCpu();
    test.cpu.setPsw(0x0002_0001_8000_0000n, 0xdeadn);
    test.mainframe.cpuStopped(test.cpu, 'disabled-wait');
    expect(panics).toEqual([
      {
        outcome: 'poweroff',
        type: 's390',
        core: 0,
        pswMask: 0x0002_0001_8000_0000n,
        pswAddress: 0xdeadn,
        reason: 'disabled-wait',
      },
    ]);
    expect(await ended(test)).toEqual({ cause: 'guest', reason: 'panic', status: 0 });
    const other = await machineOf({});
    other.cpu.setPsw(0x0002_0001_8000_0000n, 0xfffn);
    other.mainframe.cpuStopped(other.cpu, 'disabled-wait');
    expect(await ended(other)).toMatchObject({ reason: 'shutdown' });
  });
});

describe('the watchdog', () => {
  it('resets a machine whose program does not tell that it lives', async () => {
    const test = await machineOf({});
    const { Diag288Watchdog } = await import('../boards/watchdog.ts');
    const { cpu, mainframe, machine, clock } = test;
    cpu.setGpr(3, 30n);
    expect(mainframe.diagnose(cpu, 0x288, 2, 5)).toBe(programInterruption(PGM_SPECIFICATION));
    machine.add(new Diag288Watchdog(), 'watchdog');
    let resets = 0;
    machine.on('reset', () => resets++);
    expect(mainframe.diagnose(cpu, 0x288, 2, 5)).toBe(CC_UNCHANGED);
    clock.advance(29e9);
    cpu.setGpr(2, 1n);
    expect(mainframe.diagnose(cpu, 0x288, 2, 5)).toBe(CC_UNCHANGED);
    clock.advance(29e9);
    expect(resets).toBe(0);
    clock.advance(1e9);
    expect(resets).toBe(1);
    cpu.setGpr(2, 2n);
    expect(mainframe.diagnose(cpu, 0x288, 2, 5)).toBe(programInterruption(PGM_SPECIFICATION));
    cpu.setGpr(2, 0n);
    cpu.setGpr(3, 14n);
    expect(mainframe.diagnose(cpu, 0x288, 2, 5)).toBe(programInterruption(PGM_SPECIFICATION));
  });
});
