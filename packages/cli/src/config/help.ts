// What options show when they are asked for help.

import { type ArchitecturePackage, type BoardRegistry, MACHINE_PROPERTIES, type TypeRegistry } from '@boardwalk/core';
import { type CommandLine, forOption } from '../options/command-line.ts';
import { helpTopic } from '../options/key-values.ts';
import type { ValueOption } from '../options/table.ts';
import { typeHelp, typesHelp } from './devices.ts';
import { firmwareFolders } from './firmware.ts';
import { CHARDEV_HELP } from './lines.ts';
import { logHelp } from './log.ts';
import { NETDEV_HELP } from './netdevs.ts';
import { TRACE_HELP } from './trace.ts';

/** What help is given about. */
export interface HelpSubjects {
  readonly arch: string;
  /** Undefined where it is not installed. */
  readonly architecture: ArchitecturePackage | undefined;
  readonly boards: BoardRegistry;
  readonly types: TypeRegistry;
}

/** The help that a command line asks for; undefined if it does not. @throws UserError for a subject that is not there */
export function optionHelp(line: CommandLine, subjects: HelpSubjects): string | undefined {
  const topics: readonly (readonly [ValueOption, (topic: string) => string])[] = [
    ['machine', (topic) => (topic === '' ? boardsHelp(subjects) : boardHelp(subjects, topic))],
    ['cpu', (topic) => cpuHelp(subjects, topic)],
    ['accel', () => 'Accelerators supported:\ntcg\nqtest\n'],
    [
      'device',
      (topic) => (topic === '' ? typesHelp(subjects.types, 'device', 'Devices:') : typeHelp(subjects.types, topic)),
    ],
    [
      'object',
      (topic) =>
        topic === ''
          ? typesHelp(subjects.types, 'user-creatable', 'List of user creatable objects:')
          : typeHelp(subjects.types, topic),
    ],
    ['chardev', () => CHARDEV_HELP],
    ['netdev', () => NETDEV_HELP],
    ['d', logHelp],
    ['trace', () => TRACE_HELP],
    ['L', () => `${firmwareFolders(line.all('L').filter((folder) => folder !== 'help')).join('\n')}\n`],
  ];
  for (const [option, text] of topics) {
    for (const value of line.all(option)) {
      const topic = helpTopic(value);
      if (topic !== undefined) return forOption(option, () => text(topic));
    }
  }
  return undefined;
}

function boardsHelp({ arch, boards }: HelpSubjects): string {
  const lines = boards.list(arch).flatMap((board) => {
    const isDefault = board === boards.defaultBoard(arch);
    return [
      `${board.name.padEnd(20)} ${board.description}${isDefault ? ' (default)' : ''}`,
      ...(board.aliases ?? []).map((alias) => `${alias.padEnd(20)} ${board.description} (alias of ${board.name})`),
    ];
  });
  return `Supported machines are:\n${lines.join('\n')}\n`;
}

function boardHelp({ arch, boards }: HelpSubjects, name: string): string {
  const board = boards.find(name, arch);
  const own = [...(board.properties ?? []), ...MACHINE_PROPERTIES].map(
    ({ name: property, type, description }) => `  ${property}=<${type}>  - ${description}`,
  );
  return `${board.name}-machine options:\n${own.sort().join('\n')}\n`;
}

function cpuHelp({ arch, architecture }: HelpSubjects, topic: string): string {
  const models = architecture?.cpuModels(arch) ?? [];
  const model = models.find(({ name }) => name === topic);
  if (!model)
    return `Available CPUs:\n${models.map(({ name, description }) => `${name.padEnd(20)} ${description}\n`).join('')}`;
  const lines = (model.properties ?? []).map(
    (spec) => `  ${spec.name}=<${spec.type}>  - ${spec.description} (default: ${String(spec.default)})`,
  );
  return `${[`${model.name} options:`, ...lines].join('\n')}\n`;
}
