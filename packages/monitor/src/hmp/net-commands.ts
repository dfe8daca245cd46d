// Commands about the network.
import {
  type Device,
  devicesOf,
  isNetworkCard,
  isTransport,
  type Machine,
  type NetworkCard,
  UserError,
} from '@boardwalk/core';
import type { NetdevInfo } from '../emulator.ts';
import { NETDEV_TYPES, netdevMaker, removeNetdev } from '../qmp/commands/net.ts';
import type { HmpCommand, HmpContext } from './command.ts';
import { parseOptions } from './object-commands.ts';

/** A card as users know it: by its id, or its type and number; that of its transport, where it has one. */
interface NamedCard {
  readonly card: NetworkCard;
  readonly type: string;
  readonly name: string;
}

function namedCards(machine: Machine): NamedCard[] {
  const counts = new Map<string, number>();
  return devicesOf(machine)
    .filter(isNetworkCard)
    .map((card) => {
      const { type, id, parent } = transportOf(card);
      const number = counts.get(type) ?? 0;
      counts.set(type, number + 1);
      return { card, type, name: parent?.id === 'peripheral' ? id : `${type}.${number}` };
    });
}

/** What the user plugged: a card itself, or what carries it. */
function transportOf(card: NetworkCard): Device {
  return card.parent !== undefined && isTransport(card.parent) ? card.parent : card;
}

/** `52:54:00:12:34:56`. */
const macText = (mac: Uint8Array): string => Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');

const netdevText = ({ id, type, detail }: NetdevInfo): string => `${id}: index=0,type=${type},${detail}`;

/** Cards with what they are on, then what no card is on. */
function network({ emulator }: HmpContext): string {
  const { machine } = emulator;
  const netdevs = emulator.netdevs?.list() ?? [];
  const cards = machine ? namedCards(machine) : [];
  const used = new Set<string>();
  const of = ({ card, type, name }: NamedCard): string[] => {
    const info = `${name}: index=0,type=nic,model=${type},macaddr=${macText(card.mac)}\n`;
    const netdev = netdevs.find(({ id }) => id === machine?.netdevs.claimedBy(card.path));
    if (netdev === undefined) return [info];
    used.add(netdev.id);
    return [info, ` \\ ${netdevText(netdev)}\n`];
  };
  const first = cards.flatMap(of);
  return [...first, ...netdevs.filter(({ id }) => !used.has(id)).map((netdev) => `${netdevText(netdev)}\n`)].join('');
}

export const netInfoCommands: readonly HmpCommand[] = [
  { name: 'network', help: 'show the network state', preconfig: true, run: network },
];

export const netCommands: readonly HmpCommand[] = [
  {
    name: 'netdev_add',
    args: [{ name: 'netdev', kind: 'rest', complete: () => NETDEV_TYPES }],
    params: '[socket|stream],id=str[,prop=value][,...]',
    help: 'add host network device',
    preconfig: true,
    async run({ emulator }, args) {
      const text = args.requireText('netdev');
      if (text === 'help') return `Available netdev backend types:\n${NETDEV_TYPES.join('\n')}\n`;
      const options = parseOptions(text, 'type');
      if (options.id === undefined) throw new UserError("Parameter 'id' is missing");
      if (!NETDEV_TYPES.includes(options.type ?? ''))
        throw new UserError(`Parameter 'type' does not accept value '${options.type ?? ''}'`);
      await netdevMaker(emulator).add(options);
      return undefined;
    },
  },
  {
    name: 'netdev_del',
    args: [
      {
        name: 'id',
        kind: 'word',
        complete: ({ emulator }) => (emulator.netdevs?.list() ?? []).map(({ id }) => id),
      },
    ],
    params: 'id',
    help: 'remove host network device',
    preconfig: true,
    run({ emulator }, args) {
      removeNetdev(emulator, args.requireText('id'));
      return undefined;
    },
  },
];
