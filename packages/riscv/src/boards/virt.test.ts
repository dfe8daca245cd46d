import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type FdtNode,
  GuestLog,
  Machine,
  type MachineOptions,
  MemoryBlock,
  PipeChar,
  parseFdt,
  UserError,
} from '@boardwalk/core';
import { parseNuma } from '@boardwalk/numa';
import type { Slot } from '@boardwalk/translator';
import { afterEach, describe, expect, it } from 'vitest';
import { parseCpu } from '../cpu/models.ts';
import type { RiscvCpu } from '../cpu/riscv-cpu.ts';
import { x } from '../cpu/state.ts';
import { virt } from './virt.ts';
import { setChosen, virtDeviceTree } from './virt-device-tree.ts';

const MiB = 2 ** 20;
const QEMU = 'qemu-system-riscv64';
const qemuFound = spawnSync(QEMU, ['-version']).status === 0;

/** What differs in a node for a reason: numbers of nodes, entropy, the CPU's abilities. */
const OTHERWISE = /^(phandle|interrupts-extended|interrupt-parent|regmap|cpu|rng-seed|riscv,isa.*|mmu-type)$/;
/** What QEMU's board has and ours has not. */
const ABSENT = /^\/(pmu|platform-bus@|soc\/pci@)/;

/** Every node by its path, with its properties as text. */
function nodesOf(root: FdtNode): Record<string, Record<string, string>> {
  const nodes: Record<string, Record<string, string>> = {};
  for (const node of root.walk()) {
    if (ABSENT.test(node.path)) continue;
    const properties = [...node.properties].filter(([name]) => !OTHERWISE.test(name));
    nodes[node.path] = Object.fromEntries(
      properties.map(([name, value]) => [name, Buffer.from(value).toString('hex')]),
    );
  }
  return nodes;
}

function qemuDeviceTree(...args: string[]): FdtNode {
  const folder = mkdtempSync(join(tmpdir(), 'boardwalk-'));
  try {
    const file = join(folder, 'virt.dtb');
    execFileSync(QEMU, ['-M', `virt,dumpdtb=${file}`, '-display', 'none', ...args], { stdio: 'ignore' });
    return parseFdt(readFileSync(file));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the device tree of virt', () => {
  it.skipIf(!qemuFound).each([1, 4])("is QEMU's, with %i harts", (harts) => {
    const ours = virtDeviceTree({ cpu: parseCpu('rv64'), harts, ramSize: 256 * MiB });
    const theirs = qemuDeviceTree('-m', '256M', '-smp', String(harts));
    expect(nodesOf(parseFdt(ours.build()))).toEqual(nodesOf(theirs));
  });

  it.skipIf(!qemuFound)("is QEMU's, with two NUMA nodes", async () => {
    const options = ['node,mem=96M,cpus=0-1', 'node,mem=32M,cpus=2-3', 'dist,src=0,dst=1,val=25'];
    const numa = options.map(parseNuma);
    const machine = await Machine.create(virt, { ramSize: 128 * MiB, smp: { cpus: 4 }, numa });
    try {
      const ours = virtDeviceTree({ cpu: parseCpu('rv64'), harts: 4, ramSize: 128 * MiB, numa: machine.numa });
      const theirs = qemuDeviceTree('-m', '128M', '-smp', '4', ...options.flatMap((text) => ['-numa', text]));
      expect(nodesOf(parseFdt(ours.build()))).toEqual(nodesOf(theirs));
      const [first, second] = ['plic@c000000', 'plic@c600000'].map((name) => ours.root.find(`soc/${name}`)?.phandle());
      expect(ours.root.find('soc/serial')?.cells('interrupt-parent')).toEqual([first]);
      expect(ours.root.find('soc/virtio_mmio')?.cells('interrupt-parent')).toEqual([second]);
    } finally {
      await machine.dispose();
    }
  });

  it.skipIf(!qemuFound)("is QEMU's, with two NUMA nodes that have an ACLINT each", async () => {
    const options = ['node,mem=96M,cpus=0', 'node,mem=32M,cpus=1-3'];
    const numa = options.map(parseNuma);
    const boardProps = { aclint: 'on' };
    const machine = await Machine.create(virt, { ramSize: 128 * MiB, smp: { cpus: 4 }, numa, boardProps });
    try {
      const ours = parseFdt(machine.deviceTree?.() ?? new Uint8Array());
      const theirs = qemuDeviceTree(
        '-M',
        'aclint=on',
        '-m',
        '128M',
        '-smp',
        '4',
        ...options.flatMap((text) => ['-numa', text]),
      );
      expect(nodesOf(ours)).toEqual(nodesOf(theirs));
    } finally {
      await machine.dispose();
    }
  });

  it.skipIf(!qemuFound).each([1, 4])("is QEMU's, with %i harts and an ACLINT", (harts) => {
    const ours = virtDeviceTree({ cpu: parseCpu('rv64'), harts, ramSize: 256 * MiB, aclint: true });
    const theirs = qemuDeviceTree('-M', 'aclint=on', '-m', '256M', '-smp', String(harts));
    expect(nodesOf(parseFdt(ours.build()))).toEqual(nodesOf(theirs));
    const nodes = ['mswi', 'mtimer', 'sswi'].map((name) => ours.root.find(`soc/${name}`));
    expect(nodes.map((node) => (node?.cells('interrupts-extended') ?? []).filter((_, n) => n % 2 === 1))).toEqual(
      [3, 7, 1].map((irq) => Array(harts).fill(irq)),
    );
    expect(ours.root.find('soc/clint')).toBeUndefined();
  });

  it('wires each hart to CLINT and PLIC', () => {
    const { root } = virtDeviceTree({ cpu: parseCpu('rv64'), harts: 2, ramSize: 128 * MiB });
    const intc = [0, 1].map((hart) => root.find(`cpus/cpu@${hart}/interrupt-controller`)?.phandle() ?? 0);
    expect(root.find('soc/clint')?.cells('interrupts-extended')).toEqual(intc.flatMap((n) => [n, 3, n, 7]));
    expect(root.find('soc/plic')?.cells('interrupts-extended')).toEqual(intc.flatMap((n) => [n, 11, n, 9]));
    expect(root.find('soc/serial')?.cells('interrupt-parent')).toEqual([root.find('soc/plic')?.phandle()]);
  });

  it('says what the CPU can do', () => {
    const { root } = virtDeviceTree({ cpu: parseCpu('rv64,sv57=off,c=off'), harts: 1, ramSize: 128 * MiB });
    const cpu = root.find('cpus/cpu@0');
    expect(cpu?.string('mmu-type')).toBe('riscv,sv48');
    expect(cpu?.string('riscv,isa')).toMatch(/^rv64imafd_/);
    expect(cpu?.strings('riscv,isa-extensions')).toContain('zicsr');
  });

  it('tells the kernel what the user said', () => {
    const tree = virtDeviceTree({ cpu: parseCpu('rv64'), harts: 1, ramSize: 128 * MiB });
    setChosen(tree, {
      append: 'console=ttyS0',
      initrd: { start: 0x8800_0000, end: 0x8800_1000 },
      rngSeed: Uint8Array.of(1),
    });
    const chosen = tree.root.find('chosen');
    expect(chosen?.string('bootargs')).toBe('console=ttyS0');
    expect(chosen?.cells64('linux,initrd-end')).toEqual([0x8800_1000n]);
    expect(chosen?.string('stdout-path')).toBe('/soc/serial@10000000');
  });
});

describe('virt', () => {
  let machine: Machine | undefined;
  afterEach(() => machine?.dispose());

  async function make(options: MachineOptions): Promise<Machine> {
    machine = await Machine.create(virt, { ramSize: 16 * MiB, ...options });
    return machine;
  }

  /** Instructions as a raw payload. */
  const program = (...words: number[]): Uint8Array => new Uint8Array(Uint32Array.from(words).buffer);

  /** lui t0, 0x100; li t1, 0x5555; sw t1, 0(t0); j . */
  const POWER_OFF = [0x001002b7, 0x00005337, 0x55530313, 0x0062a023, 0x0000006f];

  it('runs a payload in machine mode from the start of RAM', async () => {
    const { run } = await make({ kernel: program(...POWER_OFF) }).then((m) => ({ run: m.run() }));
    expect(await run).toEqual({ cause: 'guest', reason: 'shutdown', status: 0 });
  });

  it('takes what QEMU has for defaults, and refuses what it has not', async () => {
    const { run } = await make({ kernel: program(...POWER_OFF), boardProps: { aclint: 'off', aia: 'none' } }).then(
      (m) => ({ run: m.run() }),
    );
    expect(await run).toMatchObject({ reason: 'shutdown' });
    await expect(make({ boardProps: { aia: 'aplic' } })).rejects.toThrow(/aia=aplic is not supported/);
  });

  it('writes to the serial port, and gives the status that the guest says', async () => {
    const serial = new PipeChar();
    // lui t0, 0x10000; li t1, 'A'; sb t1, 0(t0); lui t0, 0x100; lui t1, 0x73; addi t1, t1, 0x333; sw t1, 0(t0); j .
    const words = [0x100002b7, 0x04100313, 0x00628023, 0x001002b7, 0x00073337, 0x33330313, 0x0062a023, 0x0000006f];
    const m = await make({ kernel: program(...words), serials: [serial] });
    expect(await m.run()).toMatchObject({ status: 7 });
    expect(serial.sent).toBe('A');
  });

  it('starts every hart, with its number in a0 and the device tree in a1', async () => {
    // li t0, 3; beq a0, t0, +8; wfi; lw t2, 0(a1): all but the last wait, the last turns the machine off.
    const words = [0x00300293, 0x00550463, 0x10500073, 0x0005a383, ...POWER_OFF];
    const m = await make({ kernel: program(...words), smp: { cpus: 4 } });
    await m.run();
    expect(m.cpus.map((cpu) => cpu.halted)).toEqual([true, true, true, false]);
    expect((m.cpus[3] as RiscvCpu).register(x[7] as Slot)).toBe(0xffff_ffff_edfe_0dd0n);
  });

  it('raises the supervisor timer interrupt when software sets the clock', async () => {
    // menvcfg.STCE; stimecmp half way; mie.STIE; mtime beyond it; wfi ends; off.
    const enable = [0xfff00293, 0x30a29073, 0x0012d393, 0x14d39073, 0x02000313, 0x30431073];
    const setTime = [0x0200c3b7, 0x02829293, 0xfe53bc23];
    const words = [...enable, ...setTime, 0x10500073];
    const m = await make({ kernel: program(...words, ...POWER_OFF) });
    expect(await m.run()).toMatchObject({ status: 0 });
  });

  it.each([
    ['on', 2n],
    ['off', 0n],
  ])('has supervisor software interrupts with aclint=%s', async (aclint, pending) => {
    // Hart 0 sets setssip of hart 1, and waits, as it does where that is not there. Hart 1 looks at mip (t2) for a while, clears it (t4).
    const first = [0x00000397, 0x01c38393, 0x30539073, 0x02f002b7, 0x00100313, 0x00051863, 0x0062a223];
    const wait = [0x10500073, 0xffdff06f];
    const second = [0x00100e37, 0x344023f3, 0x00039663, 0xfffe0e13, 0xfe0e1ae3, 0x34401073, 0x34402ef3];
    const kernel = program(...first, ...wait, ...second, ...POWER_OFF);
    const m = await make({ kernel, smp: { cpus: 2 }, boardProps: { aclint } });
    expect(await m.run()).toMatchObject({ status: 0 });
    const register = (n: number) => (m.cpus[1] as RiscvCpu).register(x[n] as Slot);
    expect([register(7), register(29)]).toEqual([pending, 0n]);
  });

  it('logs page walks', async () => {
    const lines: string[] = [];
    const log = new GuestLog(['mmu'], (_, text) => lines.push(text));
    const m = await make({ kernel: program(...POWER_OFF), log });
    await m.run();
    expect(lines).toContain('hart 0: fetch 0x80000000 mmu 3: 0x80000000 rwx');
    expect(lines).toContain('hart 0: store 0x100000 mmu 3: 0x100000 rwx');
  });

  it('boots from the first flash bank', async () => {
    const flash = new MemoryBlock(32 * MiB);
    await flash.write(0, program(...POWER_OFF));
    const m = await make({ drives: [{ if: 'pflash', backend: flash }] });
    expect(await m.run()).toMatchObject({ status: 0 });
  });

  it('finds no instruction in erased flash', async () => {
    // mtvec = pc + 20; lui t0, 0x20000; jr t0; nop; then t2 = mcause, t3 = mepc, off.
    const words = [0x00000317, 0x01830313, 0x30531073, 0x200002b7, 0x00028067, 0x00000013, 0x342023f3, 0x34102e73];
    const m = await make({ kernel: program(...words, ...POWER_OFF) });
    expect(await m.run()).toMatchObject({ status: 0 });
    const register = (n: number) => (m.cpus[0] as RiscvCpu).register(x[n] as Slot);
    const ILLEGAL_INSTRUCTION = 2n;
    expect([register(7), register(28)]).toEqual([ILLEGAL_INSTRUCTION, 0x2000_0000n]);
  });

  it('survives a guest that jumps into nothing', async () => {
    // jr x0: instruction access faults at 0, for ever.
    const m = await make({ kernel: program(0x00000067) });
    m.start();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(m.cpus[0]?.describe()).toMatch(/^pc=0x0000000000000000 mode=M/);
  });

  it.each([
    ['an unknown CPU', { cpu: 'z80' }, 'Invalid CPU type: z80'],
    ['an unknown CPU property', { cpu: 'rv64,turbo=on' }, "CPU rv64 has no property 'turbo'"],
    ['too many CPUs', { smp: { cpus: 9 } }, "max CPUs supported by machine 'virt' is 8"],
    ['a device tree that is none', { dtb: new Uint8Array(64) }, '-dtb: not a device tree blob'],
    ['an empty kernel', { kernel: new Uint8Array(0) }, '-kernel: the file is empty'],
    [
      'nodes whose harts do not follow one another',
      { smp: { cpus: 4 }, numa: ['node,mem=8M,cpus=0,cpus=2', 'node,mem=8M,cpus=1,cpus=3'].map(parseNuma) },
      'discontinuous hartids in socket0',
    ],
    [
      'more nodes than CPUs',
      { numa: ['node,mem=8M', 'node,mem=8M'].map(parseNuma) },
      'Number of NUMA nodes (2) cannot exceed the number of available CPUs (1).',
    ],
    ['an oversized kernel', { kernel: new Uint8Array(17 * MiB).fill(0x13) }, '-kernel: it does not fit'],
  ])('refuses %s', async (_, options, message) => {
    const made = make(options as MachineOptions);
    await expect(made).rejects.toThrow(UserError);
    await expect(made).rejects.toThrow(message);
  });
});
