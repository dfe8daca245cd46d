// Commands that follow an address: from the guest's virtual to its physical ones, and to those of the host.
import { type Machine, UserError } from '@boardwalk/core';
import { debugOf } from '../cpu-access.ts';
import { cpuOf, type HmpArgument, type HmpCommand, type HmpContext, HmpNotice, machineOf } from './command.ts';

const address: HmpArgument = { name: 'addr', kind: 'expression' };

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** Where a byte of guest RAM is in the host's process, and the name of its memory. */
function hostAddress(machine: Machine, at: bigint): { readonly name: string; readonly virtual: bigint } {
  const range = machine.addressSpace.flatView().find(Number(at));
  if (!range) throw new HmpNotice(`No memory is mapped at address ${hex(at)}`);
  if (range.host < 0) throw new HmpNotice(`Memory at address ${hex(at)} is not RAM`);
  const host = machine.options.hostMemory;
  if (!host || 'unavailable' in host) throw new UserError('guest RAM has no addresses of the host here');
  const virtual = BigInt(host.addressOf(machine.space)) + BigInt(range.host) + at - BigInt(range.base);
  return { name: range.region.name, virtual };
}

async function hostPhysical({ emulator }: HmpContext, virtual: bigint): Promise<bigint> {
  if (!emulator.physicalAddress) throw new UserError('the host does not tell where its memory is');
  return emulator.physicalAddress(virtual);
}

export const addressCommands: readonly HmpCommand[] = [
  {
    name: 'gpa2hva',
    args: [address],
    params: 'addr',
    help: 'print the host virtual address corresponding to a guest physical address',
    run(context, args) {
      const at = BigInt.asUintN(64, args.requireInteger('addr'));
      const { name, virtual } = hostAddress(machineOf(context), at);
      return `Host virtual address for ${hex(at)} (${name}) is ${hex(virtual)}\n`;
    },
  },
  {
    name: 'gpa2hpa',
    args: [address],
    params: 'addr',
    help: 'print the host physical address corresponding to a guest physical address',
    async run(context, args) {
      const at = BigInt.asUintN(64, args.requireInteger('addr'));
      const { name, virtual } = hostAddress(machineOf(context), at);
      const physical = await hostPhysical(context, virtual);
      return `Host physical address for ${hex(at)} (${name}) is ${hex(physical)}\n`;
    },
  },
  {
    name: 'gva2gpa',
    args: [address],
    params: 'addr',
    help: 'print the guest physical address corresponding to a guest virtual address',
    run(context, args) {
      const at = BigInt.asUintN(64, args.requireInteger('addr'));
      const found = debugOf(cpuOf(context)).physicalAddress(at);
      return found === undefined ? 'Unmapped\n' : `gpa: ${found === 0 ? '0' : `0x${found.toString(16)}`}\n`;
    },
  },
];
