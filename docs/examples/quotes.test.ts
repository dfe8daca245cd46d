import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const DOCS = new URL('../', import.meta.url);

interface Quote {
  readonly file: string;
  readonly lines: readonly string[];
}

function trimmedLines(text: string): string[] {
  return text.split('\n').map((line) => line.trim());
}

/** Code after a line `From [name](examples/name)...:`. */
function quotesIn(page: string): Quote[] {
  const text = readFileSync(new URL(page, DOCS), 'utf8');
  const pattern = /From \[[^\]]*\]\((?:\.\.\/)?(examples\/[^)]+)\)[^\n]*\n+```\w*\n([\s\S]*?)^```/gm;
  return [...text.matchAll(pattern)].map(([, file = '', code = '']) => ({ file, lines: trimmedLines(code.trim()) }));
}

function contains(lines: readonly string[], part: readonly string[]): boolean {
  return lines.some((_, at) => part.every((line, i) => lines[at + i] === line));
}

const pages = readdirSync(DOCS, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
  .map((name) => name.replaceAll('\\', '/'));

describe.each(pages)('%s', (page) => {
  it('quotes its examples as they are', () => {
    for (const { file, lines } of quotesIn(page)) {
      const source = trimmedLines(readFileSync(new URL(file, DOCS), 'utf8'));
      expect(contains(source, lines), `${file} has not got:\n${lines.join('\n')}`).toBe(true);
    }
  });

  it('links to files that exist', () => {
    const text = readFileSync(new URL(page, DOCS), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const url = new URL(target, new URL(page, DOCS));
      expect(() => readdirOrRead(url), `${page}: ${target}`).not.toThrow();
    }
  });
});

function readdirOrRead(url: URL): void {
  try {
    readFileSync(url);
  } catch {
    readdirSync(url);
  }
}
