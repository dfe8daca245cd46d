// The tables of commands in docs/qmp.md and docs/hmp.md are those of the code. `vitest run packages/monitor/src/docs --update` writes them.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { HmpCommand } from './hmp/command.ts';
import { hmpCommands } from './hmp/commands.ts';
import { infoCommands } from './hmp/info.ts';
import { commandNames } from './hmp/parse.ts';
import type { AnyType, CommandSpec, Member } from './qmp/schema/dsl.ts';
import { membersOf } from './qmp/schema/dsl.ts';
import { commands, events } from './qmp/schema/index.ts';

const file = (name: string): string => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));

/** The text with what is between the marks of a section in place of what was there. */
function withSection(text: string, section: string, body: string): string {
  const pattern = new RegExp(`(<!-- ${section} -->\n)[\\s\\S]*?(<!-- end of ${section} -->)`);
  expect(text).toMatch(pattern);
  return text.replace(pattern, (_, begin: string, end: string) => `${begin}${body}${end}`);
}

function typeName({ node }: AnyType): string {
  if (node.kind === 'array') return `[${typeName(node.element)}]`;
  return node.name;
}

function members(all: Readonly<Record<string, Member>>): string {
  const texts = Object.entries(all).map(
    ([name, { type, optional }]) => `\`${name}${optional ? '?' : ''}: ${typeName(type)}\``,
  );
  return texts.join(', ');
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');
const row = (...cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |\n`;

function qmpTable(): string {
  const rows = Object.entries(commands as Readonly<Record<string, CommandSpec>>).map(([name, spec]) => {
    const args = spec.union ? `\`${typeName(spec.union)}\`` : members(membersOf(spec.args ?? {}));
    const when = [spec.preconfig ? 'preconfig' : '', spec.oob ? 'out of band' : ''].filter((word) => word !== '');
    return row(
      `\`${name}\``,
      `${args}${spec.open ? ', more' : ''}`,
      spec.returns ? `\`${typeName(spec.returns)}\`` : '',
      when.join(', '),
      spec.doc,
    );
  });
  return `| command | arguments | answer | also | what it does |\n| --- | --- | --- | --- | --- |\n${rows.join('')}`;
}

function eventTable(): string {
  const rows = Object.entries(events).map(([name, spec]) =>
    row(`\`${name}\``, members(membersOf('data' in spec ? spec.data : {})), spec.doc),
  );
  return `| event | data | when |\n| --- | --- | --- |\n${rows.join('')}`;
}

function hmpTable(all: readonly HmpCommand[], prefix: string): string {
  const rows = [...all]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((command) =>
      row(`\`${`${prefix}${commandNames(command)} ${command.params ?? ''}`.trimEnd()}\``, command.help),
    );
  return `| command | what it does |\n| --- | --- |\n${rows.join('')}`;
}

describe('the documentation', () => {
  it('lists the commands and events of QMP', async () => {
    const text = readFileSync(file('qmp.md'), 'utf8');
    const expected = withSection(withSection(text, 'commands', qmpTable()), 'events', eventTable());
    await expect(expected).toMatchFileSnapshot(file('qmp.md'));
  });

  it('lists the commands of HMP', async () => {
    const text = readFileSync(file('hmp.md'), 'utf8');
    const expected = withSection(
      withSection(text, 'commands', hmpTable(hmpCommands, '')),
      'info',
      hmpTable(infoCommands, 'info '),
    );
    await expect(expected).toMatchFileSnapshot(file('hmp.md'));
  });
});
