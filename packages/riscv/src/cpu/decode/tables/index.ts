import type { Encoding } from '../encoding.ts';
import { atomic } from './atomic.ts';
import { base } from './base.ts';
import { bitmanip } from './bitmanip.ts';
import { compressed } from './compressed.ts';
import { float } from './float.ts';
import { multiply } from './multiply.ts';
import { system } from './system.ts';

/** Every encoding of every extension and register width. */
export const encodings: readonly Encoding[] = [
  ...base,
  ...system,
  ...multiply,
  ...atomic,
  ...float,
  ...bitmanip,
  ...compressed,
];
