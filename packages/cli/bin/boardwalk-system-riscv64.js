#!/usr/bin/env node
import { main } from '../dist/index.js';

await main('riscv64', process.argv.slice(2));
