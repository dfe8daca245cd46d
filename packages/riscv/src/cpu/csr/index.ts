/** Every control and status register of a hart, by number. */
import type { CpuConfig } from '../models.ts';
import type { Csr } from './csr.ts';
import { environmentCsrs } from './environment.ts';
import { floatCsrs } from './float.ts';
import { statusCsrs } from './status.ts';
import { type TimeHelpers, timeCsrs } from './time.ts';
import { translationCsrs } from './translation.ts';
import { trapCsrs } from './trap.ts';

export type { Csr } from './csr.ts';

/** The registers that a hart of this configuration has. A number that is missing is an illegal instruction. */
export function defineCsrs(config: CpuConfig, time: TimeHelpers): ReadonlyMap<number, Csr> {
  const all = [
    ...floatCsrs(config),
    ...statusCsrs(config),
    ...trapCsrs(config),
    ...translationCsrs(config),
    ...timeCsrs(config, time),
    ...environmentCsrs(config, time),
  ];
  const byNumber = new Map(all.map((register) => [register.number, register]));
  if (byNumber.size !== all.length) throw new Error('two control and status registers have one number');
  return byNumber;
}
