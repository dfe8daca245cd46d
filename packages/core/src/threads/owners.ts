// The lock of the words that say which vCPUs have code from a page. Who has it may wait for every vCPU to come to a safe point: so
// who waits for it must be at one.

import { TEAM_LOCK, TEAM_LOCK_WAITERS } from './layout.ts';
import type { Words } from './words.ts';

export function lockOwners(team: Words): void {
  if (team.swap(TEAM_LOCK, 0, 1)) return;
  team.add(TEAM_LOCK_WAITERS, 1);
  while (!team.swap(TEAM_LOCK, 0, 1)) team.wait(TEAM_LOCK, 1, 1);
  team.add(TEAM_LOCK_WAITERS, -1);
}

export function unlockOwners(team: Words): void {
  team.store(TEAM_LOCK, 0);
  if (team.load(TEAM_LOCK_WAITERS) > 0) team.notify(TEAM_LOCK);
}
