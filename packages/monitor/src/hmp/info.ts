// `info NAME`: what the machine and its parts are and do now.

import { type Cpu, devicesOf, type RunState, requireObject } from '@boardwalk/core';
import { formatHotpluggableCpus } from '@boardwalk/numa';
import { hotpluggableCpusOf } from '../memory-info.ts';
import { dumpOf } from '../qmp/commands/dump.ts';
import { packageText, QEMU_VERSION_TEXT } from '../version.ts';
import { blockInfoCommands } from './block-commands.ts';
import { cpuOf, type HmpArguments, type HmpCommand, type HmpContext, HmpNotice, machineOf } from './command.ts';
import { lines, memoryInfoCommands } from './info-memory.ts';
import { pciInfoCommands } from './info-pci.ts';
import { migrationInfoCommands } from './migration-commands.ts';
import { netInfoCommands } from './net-commands.ts';
import { objectInfoCommands } from './object-commands.ts';
import { formatDeviceTree, formatObjectTree } from './qtree.ts';
import { traceInfoCommands } from './trace-commands.ts';
import { virtioInfoCommands } from './virtio-commands.ts';

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** `info status`. */
export function formatStatus(state: RunState): string {
  if (state === 'running' || state === 'paused') return `VM status: ${state}\n`;
  return `VM status: paused (${state})\n`;
}

function registers(context: HmpContext, args: HmpArguments): string {
  const { cpus } = machineOf(context);
  if (args.flag('a')) return cpus.map((cpu) => `\nCPU#${cpu.index}\n${cpu.formatRegisters()}`).join('');
  const asked = args.integer('vcpu');
  const cpu = asked === undefined ? cpuOf(context) : cpus[Number(asked)];
  if (!cpu) throw new HmpNotice(`CPU#${asked} not available`);
  return `\nCPU#${cpu.index}\n${cpu.formatRegisters()}`;
}

function cpus(context: HmpContext): string {
  const { threadId = 0 } = context.emulator;
  const machine = machineOf(context);
  const line = ({ index }: Cpu): string =>
    `${index === context.cpu ? '*' : ' '} CPU #${index}: thread_id=${machine.team?.threadId(index) ?? threadId}`;
  return lines(machine.cpus.map(line));
}

function objectTree({ emulator: { root } }: HmpContext, args: HmpArguments): string {
  const o = requireObject(root, args.text('path') ?? '/machine');
  return formatObjectTree(o, o.id);
}

/** Registers and lines of interrupt controllers, as they are declared. */
function interruptControllers(context: HmpContext): string {
  return devicesOf(machineOf(context))
    .filter((device) => device.isA('intctrl'))
    .map((device) => `${device.type} (${device.path})\n${lines(device.describeState().map((text) => `  ${text}`))}`)
    .join('');
}

/** What executes guest code: each engine once, whatever CPUs share it. */
function translation(context: HmpContext): string {
  const machine = machineOf(context);
  const engines = new Set(machine.cpus.flatMap((cpu) => cpu.translation ?? []));
  const rate = `guest instructions per second ${Math.round(machine.instructionsPerSecond)}`;
  if (engines.size === 0) return 'nothing is translated: no CPU executes translated code\n';
  return [...engines].map((engine) => lines([...engine.describe(), '', rate])).join('\n');
}

function dumpStatus({ emulator }: HmpContext): string {
  const { status, completed, total } = dumpOf(emulator).result;
  const done = total === 0 ? 0 : (100 * completed) / total;
  return lines([`Status: ${status}`, ...(status === 'active' ? [`Finished: ${done.toFixed(2)} %`] : [])]);
}

/** What samples the guest. */
function profile(context: HmpContext): string {
  const profiles = new Set(machineOf(context).cpus.flatMap((cpu) => cpu.translation?.profile ?? []));
  if (profiles.size === 0) return 'nothing is sampled: -profile FILE begins it\n';
  return [...profiles].map((one) => lines(one.describe())).join('\n');
}

/** Every subcommand of `info`. */
export const infoCommands: readonly HmpCommand[] = [
  ...memoryInfoCommands,
  ...pciInfoCommands,
  {
    name: 'status',
    help: 'show the current VM status (running|paused)',
    preconfig: true,
    run: ({ emulator }) => formatStatus(emulator.machine?.state ?? 'prelaunch'),
  },
  {
    name: 'version',
    help: 'show the version of the emulator',
    preconfig: true,
    run: ({ emulator }) => `${QEMU_VERSION_TEXT} ${packageText(emulator)}\n`,
  },
  {
    name: 'name',
    help: 'show the current VM name',
    preconfig: true,
    run: ({ emulator: { guestName } }) => (guestName === undefined ? '' : `${guestName}\n`),
  },
  {
    name: 'uuid',
    help: 'show the current VM UUID',
    preconfig: true,
    run: ({ emulator: { uuid } }) => `${uuid ?? NIL_UUID}\n`,
  },
  {
    name: 'chardev',
    help: 'show the character devices',
    preconfig: true,
    run: ({ emulator: { chardevs = [] } }) =>
      lines(chardevs.map(({ label, filename }) => `${label}: filename=${filename}`)),
  },
  ...blockInfoCommands,
  ...migrationInfoCommands,
  ...virtioInfoCommands,
  ...objectInfoCommands,
  ...netInfoCommands,
  { name: 'cpus', help: 'show infos for each CPU', run: cpus },
  {
    name: 'hotpluggable-cpus',
    help: 'Show information about hotpluggable CPUs',
    preconfig: true,
    run: ({ emulator }) => lines(formatHotpluggableCpus(hotpluggableCpusOf(emulator))),
  },
  {
    name: 'registers',
    args: [
      { name: 'a', kind: 'flag' },
      { name: 'vcpu', kind: 'expression', optional: true },
    ],
    params: '[-a|vcpu]',
    help: "show the cpu registers (-a: show register info for all cpus; vcpu: specific vCPU to query; show the current CPU's registers if no argument is specified)",
    run: registers,
  },
  { name: 'qtree', help: 'show device tree', run: ({ emulator }) => formatDeviceTree(emulator.machine) },
  {
    name: 'qom-tree',
    args: [{ name: 'path', kind: 'word', optional: true }],
    params: '[path]',
    help: 'show QOM composition tree',
    preconfig: true,
    run: objectTree,
  },
  { name: 'dump', help: 'Display the latest dump status', preconfig: true, run: dumpStatus },
  { name: 'pic', help: 'show PIC state', run: interruptControllers },
  // No interrupt controller counts its interrupts.
  { name: 'irq', help: 'show the interrupts statistics (if available)', run: () => '' },
  { name: 'jit', help: 'show dynamic compiler info', run: translation },
  { name: 'profile', help: 'show where the guest spends its instructions', run: profile },
  { name: 'kvm', help: 'show KVM information', run: () => 'kvm support: not compiled\n' },
  { name: 'iothreads', help: 'show iothreads', run: () => '' },
  { name: 'mice', help: 'show which guest mouse is receiving events', run: () => 'No mouse devices connected\n' },
  {
    name: 'history',
    help: 'show the command line history',
    preconfig: true,
    run: ({ history }) => lines(history.map((line, i) => `${i}: '${line}'`)),
  },
  ...traceInfoCommands,
];
