/** Helpers of a frontend serve other runs and other threads: the variant has to say all that they depend on. */
import { Machine } from '@boardwalk/core';
import { TranslatedCpu } from '@boardwalk/translator';
import { expect, it } from 'vitest';
import { virt } from '../boards/virt.ts';

const SETTINGS = [
  {},
  { cpu: 'rv64,sv57=off' },
  { cpu: 'rv64,pmp=off' },
  { cpu: 'rv64,svadu=off,svade=on' },
  { cpu: 'rv64,zbb=off' },
  { semihosting: true },
];

/** Shape and text of a machine's modules, with what they are of: `engine` holds interpreter, page walk, traps. */
async function modulesOf(options: (typeof SETTINGS)[number]) {
  const machine = await Machine.create(virt, { firmware: 'none', ramSize: 16 * 2 ** 20, ...options });
  const [cpu] = machine.cpus;
  if (!(cpu instanceof TranslatedCpu)) throw new Error('no CPU that is translated');
  const { shape, modules } = cpu.engine.code;
  const module = modules.get('engine');
  await machine.dispose();
  return { shape, code: Buffer.from(module?.bytes ?? []).toString('base64') };
}

it('has the same helpers for the same variant only', { timeout: 60_000 }, async () => {
  const codes = new Map<string, string>();
  for (const settings of [...SETTINGS, ...SETTINGS]) {
    const { shape, code } = await modulesOf(settings);
    expect(code).not.toBe('');
    expect(codes.get(shape) ?? code).toBe(code);
    codes.set(shape, code);
  }
  expect(codes.size).toBe(SETTINGS.length);
  expect(new Set(codes.values()).size).toBeGreaterThan(2);
});
