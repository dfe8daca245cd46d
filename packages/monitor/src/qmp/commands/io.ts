// Commands about character devices.
import { Chardev, RingBufChar, UserError } from '@boardwalk/core';
import { formatBase64, parseBase64 } from '../../base64.ts';
import type { Emulator } from '../../emulator.ts';
import type { Infer } from '../schema/dsl.ts';
import { ChardevBackend, type ioCommands } from '../schema/io.ts';
import type { Handlers } from './context.ts';

/** Names of what a line can be on. */
const BACKENDS = ChardevBackend.node.kind === 'union' ? Object.keys(ChardevBackend.node.variants) : [];

/** The properties of a -chardev from what `chardev-add` takes. */
export function chardevOptions(id: string, backend: Infer<typeof ChardevBackend>): Record<string, string> {
  const { type, data } = backend;
  const values: Record<string, unknown> = { ...data, backend: type, id };
  if (backend.type === 'file') {
    const { in: input, out, ...rest } = backend.data;
    return optionTexts({ ...rest, backend: type, id, path: out, 'input-path': input });
  }
  if (backend.type === 'pipe') {
    const { device, ...rest } = backend.data;
    return optionTexts({ ...rest, backend: type, id, path: device });
  }
  if (backend.type === 'socket') {
    const { addr, ...rest } = backend.data;
    const place = addr.type === 'fd' ? { fd: addr.data.str } : addr.data;
    // A server does not wait unless it is told to, where an option's does.
    const wait = rest.server === false ? {} : { server: true, wait: rest.wait ?? false };
    return optionTexts({ ...rest, ...place, ...wait, backend: type, id });
  }
  return optionTexts(values);
}

/** `on`, `off`, numbers and texts, as options have them. */
export function optionTexts(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value)]),
  );
}

/** @throws UserError if there is none */
export function findChardev({ root }: Emulator, id: string): Chardev {
  const chardev = root.children.get('chardevs')?.children.get(id);
  if (!(chardev instanceof Chardev)) throw new UserError(`Chardev '${id}' not found`);
  return chardev;
}

/** Takes a line away. @throws UserError if there is none, or something uses it */
export function removeChardev(emulator: Emulator, id: string): void {
  if (findChardev(emulator, id).used) throw new UserError(`Chardev '${id}' is busy`);
  if (!emulator.lines) throw new UserError('character devices cannot be taken away here');
  emulator.lines.remove(id);
}

/** Bytes in memory, and how more get there. */
export interface Ring {
  readonly ring: RingBufChar;
  /** Past the line's log. */
  write(bytes: Uint8Array): void;
}

/** @throws UserError if there are none of that name, or it is another kind of line */
export function findRing({ root }: Emulator, id: string): Ring {
  const chardev = root.children.get('chardevs')?.children.get(id);
  if (!(chardev instanceof Chardev)) throw new UserError(`Device '${id}' not found`);
  const { device: ring, backend } = chardev;
  if (!(ring instanceof RingBufChar)) throw new UserError(`${id} is not a ringbuf device`);
  return { ring, write: (bytes) => backend.write(bytes) };
}

export const ioHandlers: Handlers<keyof typeof ioCommands> = {
  'query-chardev': ({ emulator }) =>
    (emulator.chardevs ?? []).map(({ label, filename, frontendOpen }) => ({
      label,
      filename,
      'frontend-open': frontendOpen,
    })),
  'query-chardev-backends': ({ emulator }) => (emulator.lines ? BACKENDS.map((name) => ({ name })) : []),
  'chardev-add': async ({ emulator }, { id, backend }) => {
    if (!emulator.lines) throw new UserError('character devices cannot be made here');
    const pty = await emulator.lines.add(chardevOptions(id, backend));
    return pty === undefined ? {} : { pty };
  },
  'chardev-remove': ({ emulator }, { id }) => removeChardev(emulator, id),
  'ringbuf-write': ({ emulator }, { device, data, format }) => {
    const ring = findRing(emulator, device);
    ring.write(format === 'base64' ? parseBase64(data) : new TextEncoder().encode(data));
  },
  'ringbuf-read': ({ emulator }, { device, size, format }) => {
    const { ring } = findRing(emulator, device);
    if (size <= 0) throw new UserError('size must be greater than zero');
    const bytes = ring.read(Math.min(Number(size), ring.count));
    return format === 'base64' ? formatBase64(bytes) : new TextDecoder().decode(bytes);
  },
  'chardev-send-break': ({ emulator }, { id }) => findChardev(emulator, id).sendBreak(),
};
