// The threads of a machine's vCPUs, where its options ask for them.

import { GuestLog } from '../log/index.ts';
import type { AddressSpace } from '../memory/index.ts';
import { UserError } from '../object/index.ts';
import { MOST_VCPU_THREADS, type TeamOwner, VcpuTeam } from '../threads/team.ts';
import type { Machine } from './machine.ts';

/** What the machine does for its threads. */
export type TeamServices = Pick<TeamOwner, 'serve' | 'fail'>;

/** @throws UserError for what cannot be had with threads */
export function makeTeam(machine: Machine, services: TeamServices): VcpuTeam | undefined {
  const { threads, accel, clock, tier1 } = machine.options;
  if (threads === undefined || accel === 'qtest') return undefined;
  if (clock !== undefined) throw new UserError('thread=multi: time cannot be counted in instructions');
  if (!machine.space.shared) throw new UserError('thread=multi: this host has no shared memory');
  if (machine.smp.cpus > MOST_VCPU_THREADS) throw new UserError(`thread=multi: at most ${MOST_VCPU_THREADS} CPUs`);
  const owner: TeamOwner = {
    ...services,
    space: machine.space,
    get addressSpace(): AddressSpace {
      return machine.addressSpace;
    },
    arch: machine.board.arch,
    tier1,
    get logCategories() {
      return machine.log.categories;
    },
    log: (line) => logLine(machine, line),
  };
  return new VcpuTeam(owner, threads);
}

/** A line of a vCPU's thread: category, space, text. */
function logLine(machine: Machine, line: string): void {
  const at = line.indexOf(' ');
  const [category] = GuestLog.parseCategories(line.slice(0, at));
  if (category !== undefined) machine.log.write(category, line.slice(at + 1));
}
