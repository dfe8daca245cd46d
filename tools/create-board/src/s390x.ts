// The template of a mainframe: CPUs, channel subsystem, and service processor with a console, as kernels for `s390-ccw-virtio` know them.
import type { NewBoard } from './board.ts';
import { Mistake } from './mistake.ts';
import { formatSize, sizeOption } from './sizes.ts';
import { type Home, importLine, quoted, ramLines, ramUnits, sizesText, type Template } from './template.ts';

/** Names that the board takes from the architecture, by the module of the monorepo that has them. */
const PARTS: readonly (readonly [string, readonly string[]])[] = [
  ['../cpu/complex.ts', ['CpuComplex']],
  ['../cpu/models.ts', ['configureCpu']],
  ['../cpu/s390-cpu.ts', ['S390Cpu']],
  ['../ipl/ipl.ts', ['type IplSources']],
  ['../ipl/kernel.ts', ['layOutKernel']],
  ['../sclp/sclp.ts', ['storageSizeProblem']],
  ['../sclp/vt220-console.ts', ['Vt220Console']],
  ['./mainframe.ts', ['Mainframe']],
];

/** The smallest increment of storage. */
const INCREMENT = 2 ** 20;

function check({ ramSize, ramSizes = [], maxRamSize = 0 }: NewBoard): void {
  const wrong = [ramSize, ...ramSizes, maxRamSize].find((bytes) => bytes % INCREMENT !== 0);
  if (wrong !== undefined) throw new Mistake(`a mainframe's storage is a multiple of 1M, not ${formatSize(wrong)}`);
}

function imports(board: NewBoard, home: Home): string {
  const core = ['type BoardDefinition', 'defineBoard', 'type Machine', 'UserError', ...ramUnits(board)];
  const own =
    home === 'monorepo'
      ? PARTS.map(([module, names]) => typeLine(importLine(names, module)))
      : [
          importLine(
            PARTS.flatMap(([, names]) => names),
            '@boardwalk/s390x',
          ),
        ];
  return [importLine(core, '@boardwalk/core'), ...own].join('\n');
}

/** What imports a type alone says so once. */
const typeLine = (line: string): string => line.replace(/^import \{ type (\w+) \}/, 'import type { $1 }');

function board(b: NewBoard, home: Home): string {
  return `/**
 * \`${b.name}\`: ${b.description.replaceAll('*/', '* /')}
 *
 * Storage from 0 on; everything else is reached by instructions: the channel subsystem, which has no devices but those that the user
 * plugs in, and the service processor with its console.
 */
${imports(b, home)}

/** Address bits of the machines that have been built. */
const ADDRESS_BITS = 47;

/** What the user gave to start. @throws UserError for options that the board has no use for */
async function iplSources(machine: Machine): Promise<IplSources> {
  const { firmware, kernel, initrd, append, dtb } = machine.options;
  const bios = firmware === 'none' ? undefined : firmware;
  for (const [option, given] of Object.entries({ '-bios': bios, '-dtb': dtb })) {
    if (given !== undefined) throw new UserError(\`the machine '\${machine.board.name}' does not take \${option}\`);
  }
  if (kernel === undefined && (initrd !== undefined || append !== undefined)) {
    throw new UserError('-initrd and -append only allowed with -kernel option');
  }
  return {
    kernel: kernel && (await layOutKernel({ kernel, initrd, append }, machine.ramSize)),
    firmware: undefined,
    device: () => undefined,
  };
}

/** CPUs, and what their instructions reach. */
function addMainframe(machine: Machine, ipl: IplSources): Mainframe {
  const config = configureCpu(machine.cpuModel);
  let complex: CpuComplex | undefined;
  const mainframe = new Mainframe(machine, {
    interruptions(services) {
      complex = machine.add(new CpuComplex(config, services), 's390-flic');
      return complex;
    },
    model: { machineType: config.machineType, addressBits: ADDRESS_BITS, enhancedSuppression: true },
    ipl,
    loadParameter: '',
  });
  for (let index = 0; index < machine.smp.cpus && complex !== undefined; index++) {
    mainframe.cpus.push(machine.add(new S390Cpu(index, complex), \`cpu[\${index}]\`));
  }
  return mainframe;
}

/** The board. */
export const ${b.identifier}: BoardDefinition = defineBoard({
  name: ${quoted(b.name)},
  description: ${quoted(b.description)},
  arch: 's390x',
  defaultCpu: ${quoted(b.cpu)},
  maxCpus: ${b.maxCpus},
${ramLines(b)}
  checkRamSize: storageSizeProblem,
  async build(machine) {
    const mainframe = addMainframe(machine, await iplSources(machine));
    machine.map(0, machine.ram);
    const console = new Vt220Console(machine.serial(0));
    mainframe.sclp.bus.plug(console);
    machine.add(console, 'console');
    machine.onReset(() => mainframe.ipl.load());
  },
});
`;
}

function test(b: NewBoard): string {
  return `const boot = machineBooter(afterEach);

/** Parts of a program for absolute 0, in hexadecimal digits. */
const PROGRAM = Object.entries({
  0x000: '0008000080000200', // the PSW that it starts with
  0x200: 'c02f00760005', // llilf %r2,0x00760005: write event data
  0x206: 'a7192000', // lghi %r1,0x2000: not in the prefix area
  0x20a: 'b2200021', // servc %r2,%r1
  0x20e: 'b2b20300', // lpswe 0x300
  0x300: '00020001800000000000000000000fff', // a disabled wait that says that it has ended
  0x2000: '0010000000000000', // 16 bytes of request, with
  0x2008: '00081a0000006869', // 8 bytes of text for the console
}).reduce((bytes, [at, digits]) => {
  for (let i = 0; i < digits.length; i += 2) bytes[Number(at) + i / 2] = Number.parseInt(digits.slice(i, i + 2), 16);
  return bytes;
}, new Uint8Array(0x2010));

describe(${quoted(b.name)}, () => {
  it('runs a program', async () => {
    const { exit, serial } = await boot({ board: ${b.identifier}, kernel: PROGRAM });
    expect(await exit()).toMatchObject({ cause: 'guest', reason: 'shutdown' });
    expect(serial.sent).toBe('hi');
  });

  it.each([
    ['-bios', { firmware: PROGRAM }, 'does not take -bios'],
    ['-dtb', { dtb: PROGRAM }, 'does not take -dtb'],
    ['-append alone', { append: 'console=ttysclp0' }, 'only allowed with -kernel'],
    ['too many CPUs', { smp: { cpus: ${b.maxCpus + 1} } }, 'max CPUs supported by machine'],
  ])('refuses %s', async (_, options, message) => {
    const made = boot({ board: ${b.identifier}, ...options });
    await expect(made).rejects.toThrow(UserError);
    await expect(made).rejects.toThrow(message);
  });
});
`;
}

function page(b: NewBoard, command: string): string {
  return `# s390x \`${b.name}\`

    ${command}

${b.description.replace(/\.?$/, '.')}

## Devices

| device | how a program reaches it |
| --- | --- |
| storage, \`${b.ramId}\` | from 0 on |
| service processor: what the machine has, a VT220 console | SERVICE CALL |
| channel subsystem, for \`-device virtio-blk-ccw\` and others | START SUBCHANNEL ... |

## Options

| option | here |
| --- | --- |
| \`-m\` | ${sizesText(b)}; a whole number of increments |
| \`-smp\` | ${b.maxCpus === 1 ? '1' : `1 to ${b.maxCpus}`} |
| \`-cpu\` | \`${b.cpu}\` if not given |
| \`-kernel FILE\`, \`-initrd\`, \`-append\` | a Linux kernel, an ELF program, or a raw one for 0 that begins with its PSW |
| \`-serial\` | the console |

\`-bios\` and \`-dtb\` are refused.

## Booting

\`\`\`sh
${command} -m ${sizeOption(b.ramSize)} -nographic -kernel vmlinuz -initrd initrd -append console=ttysclp0
\`\`\`

## What is missing

- IPL from a disk, and the firmware for it.
`;
}

/** Boards of `@boardwalk/s390x`. */
export const s390x: Template = {
  arch: 's390x',
  defaultCpu: 'qemu',
  dependencies: ['@boardwalk/core', '@boardwalk/s390x'],
  run: '-kernel program',
  conformance: [
    '  // No register of a mainframe is in its address space.',
    '  exercise: ({ cpus }) => {',
    '    for (const cpu of cpus) if (cpu instanceof S390Cpu) cpu.setGpr(1, 1n);',
    '  },',
    '  options: () => ({ rtcBaseMs: 0 }),',
  ],
  testImports: [{ names: ['S390Cpu'], from: '@boardwalk/s390x' }],
  check,
  board,
  test,
  page,
};
