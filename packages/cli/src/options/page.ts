// The page of all options in the documentation, from the table.

import { OPTIONS, type OptionSpec, SECTIONS } from './table.ts';

/** docs/options.md, in Markdown. */
export function optionsPage(): string {
  const lines = [
    '# Options',
    '',
    "Made from the table that parsing, `-help` and the types of options come from: `packages/cli/src/options/table.ts`. A group is the option's name in `-readconfig` and `-set`. See [The command line](command-line.md) for how they work together.",
  ];
  for (const section of SECTIONS) {
    lines.push('', `## ${section}`, '', '| option | meaning | group |', '| --- | --- | --- |');
    for (const [name, spec] of Object.entries<OptionSpec>(OPTIONS))
      if (spec.section === section) lines.push(row(name, spec));
  }
  return `${lines.join('\n')}\n`;
}

function row(name: string, { aliases = [], argument, help, group }: OptionSpec): string {
  const spellings = [...aliases, name].map((spelling) => `-${spelling}`).join(', ');
  const option = argument === undefined ? spellings : `${spellings} ${argument}`;
  return `| \`${cell(option)}\` | ${cell(help).replaceAll('*', '\\*')} | ${group ?? ''} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
