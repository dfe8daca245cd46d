import { Mistake } from './mistake.ts';
import { riscv } from './riscv.ts';
import { s390x } from './s390x.ts';
import type { Template } from './template.ts';

/** The architecture packages that boards can be made for. A new architecture package adds its template. */
const TEMPLATES: Readonly<Record<string, Template>> = { riscv, s390x };

export const PACKAGES: readonly string[] = Object.keys(TEMPLATES);

/** The template of an architecture package. @throws Mistake if there is none */
export function templateOf(name: string): Template {
  const template = Object.hasOwn(TEMPLATES, name) ? TEMPLATES[name] : undefined;
  if (template === undefined) throw new Mistake(`--package '${name}': there are boards for ${PACKAGES.join(', ')}`);
  return template;
}
