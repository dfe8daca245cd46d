// `info virtio` and what belongs to it.
import { virtioDevices, virtioHandlers } from '../qmp/commands/virtio.ts';
import type { HmpArgument, HmpCommand, HmpContext } from './command.ts';
import { hex16 } from './format.ts';

type Answer<N extends keyof typeof virtioHandlers> = Awaited<ReturnType<(typeof virtioHandlers)[N]>>;

const path: HmpArgument = {
  name: 'path',
  kind: 'word',
  complete: ({ emulator }) => virtioDevices(emulator).map((device) => device.path),
};
const queue: HmpArgument = { name: 'queue', kind: 'expression' };

/** `  name:   value`, the values below each other. */
function table(width: number, rows: Readonly<Record<string, unknown>>, indent = '  '): string {
  return Object.entries(rows)
    .map(([name, value]) => `${indent}${`${name}:`.padEnd(width)}${value}\n`)
    .join('');
}

const listed = (names: readonly string[]): string => names.map((name) => `\t${name}`).join(',\n');

function features(title: string, of: Answer<'x-query-virtio-status'>['host-features']): string {
  const names = [...of.transports, ...(of['dev-features'] ?? [])];
  const unknown = of['unknown-dev-features'];
  const rest = unknown === undefined ? '' : `  unknown-features(0x${hex16(BigInt(unknown))})\n`;
  return `  ${title}:\n${names.length === 0 ? '' : `${listed(names)}\n`}${rest}`;
}

async function status(context: HmpContext, at: string): Promise<string> {
  const s = await virtioHandlers['x-query-virtio-status'](context, { path: at });
  const rows = {
    device_name: s.name,
    device_id: s['device-id'],
    vhost_started: s['vhost-started'],
    broken: s.broken,
    started: s.started,
    num_vqs: s['num-vqs'],
    isr: s.isr,
    endianness: s['device-endian'],
  };
  const { statuses, 'unknown-statuses': unknown } = s.status;
  return (
    `${at}:\n${table(25, rows)}  status:\n${statuses.length === 0 ? '' : `${listed(statuses)}\n`}` +
    (unknown === undefined ? '' : `  unknown-statuses(0x${unknown.toString(16).padStart(8, '0')})\n`) +
    features('Guest features', s['guest-features']) +
    features('Host features', s['host-features']) +
    features('Backend features', s['backend-features'])
  );
}

async function queueStatus(context: HmpContext, at: string, number: number): Promise<string> {
  const s = await virtioHandlers['x-query-virtio-queue-status'](context, { path: at, queue: number });
  const address = (value: number | bigint): string => `0x${hex16(BigInt(value))}`;
  const rows = {
    device_name: s.name,
    queue_index: s['queue-index'],
    inuse: s.inuse,
    used_idx: s['used-idx'],
    signalled_used: s['signalled-used'],
    last_avail_idx: s['last-avail-idx'],
    shadow_avail_idx: s['shadow-avail-idx'],
  };
  const ring = {
    num: s['vring-num'],
    num_default: s['vring-num-default'],
    align: s['vring-align'],
    desc: address(s['vring-desc']),
    avail: address(s['vring-avail']),
    used: address(s['vring-used']),
  };
  return `${at}:\n${table(22, rows)}  VRing:\n${table(14, ring, '    ')}`;
}

async function element(context: HmpContext, at: string, number: number, index?: number): Promise<string> {
  const e = await virtioHandlers['x-query-virtio-queue-element'](context, { path: at, queue: number, index });
  const rows = e.descs.map(({ addr, len, flags }) => {
    const said = flags.length === 0 ? '' : ` (${flags.join(', ')})`;
    return `        addr 0x${addr.toString(16)} len ${len}${said}`;
  });
  return (
    `${at}:\n  device_name: ${e.name}\n  index:   ${e.index}\n  desc:\n    descs:\n${rows.join(',\n')}\n` +
    `  avail:\n${table(7, e.avail, '    ')}  used:\n${table(7, e.used, '    ')}`
  );
}

export const virtioInfoCommands: readonly HmpCommand[] = [
  {
    name: 'virtio',
    help: 'List all available virtio devices',
    run: ({ emulator }) =>
      virtioDevices(emulator)
        .map(({ path: at, view }) => `${at} [${view.name}]\n`)
        .join('') || 'No VirtIO devices\n',
  },
  {
    name: 'virtio-status',
    args: [path],
    params: 'path',
    help: 'Display status of a given virtio device',
    run: (context, args) => status(context, args.requireText('path')),
  },
  {
    name: 'virtio-queue-status',
    args: [path, queue],
    params: 'path queue',
    help: 'Display status of a given virtio queue',
    run: (context, args) => queueStatus(context, args.requireText('path'), Number(args.requireInteger('queue'))),
  },
  {
    name: 'virtio-queue-element',
    args: [path, queue, { name: 'index', kind: 'expression', optional: true }],
    params: 'path queue [index]',
    help: 'Display element of a given virtio queue',
    run(context, args) {
      const index = args.integer('index');
      const place = index === undefined ? undefined : Number(BigInt.asUintN(16, index));
      return element(context, args.requireText('path'), Number(args.requireInteger('queue')), place);
    },
  },
];
