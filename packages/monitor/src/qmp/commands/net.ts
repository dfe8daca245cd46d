// Commands about the network.
import { isObjectId, UserError } from '@boardwalk/core';
import type { Emulator, NetdevMaker } from '../../emulator.ts';
import { Netdev, type netCommands } from '../schema/net.ts';
import type { Handlers } from './context.ts';
import { optionTexts } from './io.ts';

/** Names of what a card can be connected to. */
export const NETDEV_TYPES = Netdev.node.kind === 'union' ? Object.keys(Netdev.node.variants) : [];

/** @throws UserError where cables neither come nor go */
export function netdevMaker({ netdevs }: Emulator): NetdevMaker {
  if (!netdevs) throw new UserError('network backends cannot be made here');
  return netdevs;
}

/** Takes one away. @throws UserError (DeviceNotFound) if there is none */
export function removeNetdev(emulator: Emulator, id: string): void {
  if (!netdevMaker(emulator).remove(id)) throw new UserError(`Device '${id}' not found`, 'DeviceNotFound');
}

export const netHandlers: Handlers<keyof typeof netCommands> = {
  netdev_add: async ({ emulator }, { id, ...options }) => {
    const maker = netdevMaker(emulator);
    if (!isObjectId(id)) throw new UserError("Parameter 'id' expects an identifier");
    if (maker.list().some((netdev) => netdev.id === id)) throw new UserError(`Duplicate ID '${id}'`);
    if (options.type === 'socket') return maker.add(optionTexts({ id, ...options }));
    const { addr, ...rest } = options;
    const address = Object.fromEntries(Object.entries(addr).map(([name, value]) => [`addr.${name}`, value]));
    return maker.add(optionTexts({ id, ...rest, ...address }));
  },
  netdev_del: ({ emulator }, { id }) => removeNetdev(emulator, id),
};
