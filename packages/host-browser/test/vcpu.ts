// The program of the workers that run harts.
import { architecture } from '@boardwalk/riscv';
import { serveVcpuWorker } from '../src/index.ts';

serveVcpuWorker(architecture);
