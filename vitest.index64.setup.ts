/** RAM spaces of the tests get 64-bit indexes, unless a test says otherwise. */
import { RamSpace } from './packages/core/src/index.ts';

RamSpace.preferIndex(64);
