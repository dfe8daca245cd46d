// The template of a RISC-V board: harts, CLINT, PLIC, a UART and a way to stop, at the addresses that bare programs for `virt` know.
import type { NewBoard } from './board.ts';
import { sizeOption } from './sizes.ts';
import { type Home, importLine, quoted, ramLines, ramUnits, sizesText, type Template } from './template.ts';

/** Names that the board takes from the architecture, by the module of the monorepo that has them. */
const PARTS: readonly (readonly [string, readonly string[]])[] = [
  ['../cpu/frontend.ts', ['RiscvFrontend']],
  ['../cpu/models.ts', ['configureCpu']],
  ['../cpu/riscv-cpu.ts', ['RiscvCpu']],
  ['../soc/aclint.ts', ['SifiveClint']],
  ['../soc/plic.ts', ['machineAndSupervisorContexts', 'Plic']],
  ['./boot.ts', ['layOutBoot', 'loadBoot']],
];

function imports(board: NewBoard, home: Home): string {
  const core = ['type BoardDefinition', 'defineBoard', 'type Machine', 'UserError', ...ramUnits(board)];
  const lines = [
    importLine(core, '@boardwalk/core'),
    importLine(['Ns16550a', 'SifiveTest'], '@boardwalk/devices'),
    ...(home === 'monorepo'
      ? PARTS.map(([module, names]) => importLine(names, module))
      : [
          importLine(
            PARTS.flatMap(([, names]) => names),
            '@boardwalk/riscv',
          ),
        ]),
  ];
  return lines.join('\n');
}

function board(b: NewBoard, home: Home): string {
  return `/**
 * \`${b.name}\`: ${b.description.replaceAll('*/', '* /')}
 *
 * RV64 harts, CLINT, PLIC, a 16550A UART, the SiFive test finisher. A bare program or firmware starts in machine mode; there is no
 * device tree.
 */
${imports(b, home)}

/** The memory map: where each device, and RAM, begins. */
const MAP = {
  test: 0x0010_0000,
  clint: 0x0200_0000,
  plic: 0x0c00_0000,
  uart0: 0x1000_0000,
  ram: 0x8000_0000,
} as const;

/** Sources of the PLIC. */
const IRQ = { uart0: 10 } as const;
const PLIC_SOURCES = 31;
/** Rate of mtime, Hz. */
const TIMEBASE_HZ = 10_000_000;

/** Harts with their interrupts and their clock. @param resetVector where they start */
function addHarts(machine: Machine, resetVector: number): Plic {
  const harts = machine.smp.cpus;
  const clint = machine.add(new SifiveClint(harts, TIMEBASE_HZ), 'clint');
  const contexts = machineAndSupervisorContexts(harts);
  const plic = machine.add(new Plic({ sources: PLIC_SOURCES, contexts }), 'plic');
  machine.map(MAP.clint, clint.region);
  machine.map(MAP.plic, plic.region);
  const frontend = new RiscvFrontend(configureCpu(machine.cpuModel), {
    logWalks: machine.log.enabled('mmu'),
    semihosting: machine.options.semihosting === true,
  });
  for (let index = 0; index < harts; index++) {
    const cpu = machine.add(new RiscvCpu(index, frontend, { time: clint.mtimer, resetVector }), \`cpu[\${index}]\`);
    clint.softwareIrqs[index]?.connect(cpu.input('m-software'));
    clint.timerIrqs[index]?.connect(cpu.input('m-timer'));
    contexts.forEach(({ hart, mode }, context) => {
      const line = mode === 'M' ? 'm-external' : 's-external';
      if (hart === index) plic.irqs[context]?.connect(cpu.input(line));
    });
  }
  return plic;
}

function addPeripherals(machine: Machine, plic: Plic): void {
  const uart = machine.add(new Ns16550a({ chardev: machine.serial(0) }), 'uart0');
  uart.irq.connect(plic.input(IRQ.uart0));
  machine.map(MAP.uart0, uart.region);
  machine.map(MAP.test, machine.add(new SifiveTest(), 'test').region);
}

/** What the user gave to start. @throws UserError for options that the board has no use for */
function program(machine: Machine): { firmware: Uint8Array | undefined; kernel: Uint8Array | undefined } {
  const { firmware, kernel, initrd, append, dtb } = machine.options;
  for (const [option, given] of Object.entries({ '-initrd': initrd, '-append': append, '-dtb': dtb })) {
    if (given !== undefined) throw new UserError(\`the machine '\${machine.board.name}' does not take \${option}\`);
  }
  const bios = firmware === 'none' ? undefined : firmware;
  if (bios !== undefined && kernel !== undefined) {
    throw new UserError(\`the machine '\${machine.board.name}' takes -bios or -kernel, not both\`);
  }
  return { firmware: bios, kernel };
}

/** The board. */
export const ${b.identifier}: BoardDefinition = defineBoard({
  name: ${quoted(b.name)},
  description: ${quoted(b.description)},
  arch: 'riscv64',
  defaultCpu: ${quoted(b.cpu)},
  maxCpus: ${b.maxCpus},
${ramLines(b)}
  async build(machine) {
    const layout = await layOutBoot(program(machine), MAP.ram, machine.ramSize);
    machine.map(MAP.ram, machine.ram);
    addPeripherals(machine, addHarts(machine, layout.start));
    machine.onReset(() => loadBoot(machine.addressSpace, layout));
  },
});
`;
}

function test(b: NewBoard): string {
  return `const boot = machineBooter(afterEach);

/** Prints two letters and turns the machine off with status 7. */
const PROGRAM = new Uint8Array(
  Uint32Array.from([
    0x100002b7, // lui t0, 0x10000: the UART
    0x06800313, // li t1, 'h'
    0x00628023, // sb t1, 0(t0)
    0x06900313, // li t1, 'i'
    0x00628023, // sb t1, 0(t0)
    0x001002b7, // lui t0, 0x100: the finisher
    0x00073337, // lui t1, 0x73
    0x33330313, // addi t1, t1, 0x333
    0x0062a023, // sw t1, 0(t0)
    0x0000006f, // j .
  ]).buffer,
);

describe(${quoted(b.name)}, () => {
  it.each(['firmware', 'kernel'])('runs a program that is given as %s', async (option) => {
    const { exit, serial } = await boot({ board: ${b.identifier}, [option]: PROGRAM });
    expect(await exit()).toEqual({ cause: 'guest', reason: 'shutdown', status: 7 });
    expect(serial.sent).toBe('hi');
  });

  it.each([
    ['-initrd', { initrd: PROGRAM }, 'does not take -initrd'],
    ['-append', { append: 'console=ttyS0' }, 'does not take -append'],
    ['-dtb', { dtb: PROGRAM }, 'does not take -dtb'],
    ['-bios beside -kernel', { firmware: PROGRAM, kernel: PROGRAM }, 'takes -bios or -kernel, not both'],
    ['too many harts', { smp: { cpus: ${b.maxCpus + 1} } }, 'max CPUs supported by machine'],
  ])('refuses %s', async (_, options, message) => {
    const made = boot({ board: ${b.identifier}, ...options });
    await expect(made).rejects.toThrow(UserError);
    await expect(made).rejects.toThrow(message);
  });
});
`;
}

function page(b: NewBoard, command: string): string {
  return `# RISC-V \`${b.name}\`

    ${command}

${b.description.replace(/\.?$/, '.')}

## Devices

| device | address | PLIC source |
| --- | --- | --- |
| SiFive test finisher: ends the emulation with a status, resets | 0x100000 |  |
| CLINT: software interrupts, \`mtimecmp\`, \`mtime\` at 10 MHz | 0x2000000 |  |
| PLIC, 31 sources, contexts M and S for each hart | 0xc000000 |  |
| 16550A UART | 0x10000000 | 10 |
| RAM, \`${b.ramId}\` | 0x80000000 |  |

## Options

| option | here |
| --- | --- |
| \`-m\` | ${sizesText(b)} |
| \`-smp\` | ${b.maxCpus === 1 ? '1' : `1 to ${b.maxCpus}`} |
| \`-cpu\` | \`${b.cpu}\` if not given |
| \`-bios FILE\` or \`-kernel FILE\` | a program that starts in machine mode: a raw binary at 0x80000000, or ELF |
| \`-serial\` | one port |

\`-initrd\`, \`-append\` and \`-dtb\` are refused: there is no device tree.

## Booting

\`\`\`sh
${command} -m ${sizeOption(b.ramSize)} -nographic -bios program.bin
\`\`\`

A word to the test finisher ends the emulation: 0x5555 is exit status 0, 0x3333 with a status in the upper half is that status.

## What is missing

- A device tree, and so what firmware and kernels learn from one.
`;
}

/** Boards of `@boardwalk/riscv`. */
export const riscv: Template = {
  arch: 'riscv64',
  defaultCpu: 'rv64',
  run: '-bios program.bin',
  dependencies: ['@boardwalk/core', '@boardwalk/devices', '@boardwalk/riscv'],
  board,
  test,
  page,
};
