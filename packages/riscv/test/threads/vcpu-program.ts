/** The program of a thread that runs a hart. */
import { serveThread } from '../../../translator/test/threads/serve-thread.ts';
import { architecture } from '../../src/index.ts';

await serveThread(architecture);
