/** The barrier among threads, as a helper that blocks call. Not made by a builder, which itself calls it. */
import type { IrHelper } from './helper.ts';
import { Node } from './nodes.ts';

export const HOST_FENCE: IrHelper = {
  kind: 'ir',
  name: 'hostFence',
  params: [],
  result: undefined,
  body: () => ({ params: [], statements: [new Node({ kind: 'hostFence' }, undefined)] }),
};
