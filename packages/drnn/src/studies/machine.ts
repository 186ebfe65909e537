import { cpus, totalmem } from 'node:os';
import { physicalCores } from '@drnn/backend-wasm';
import { version } from '../version.js';

/** What times depend on: nothing that names the machine or its owner. */
export const machine = () => ({
  processor: cpus()[0]?.model.trim() ?? 'unknown',
  cores: physicalCores(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  system: `${process.platform} ${process.arch}`,
});

/** What made the results. */
export const versions = () => ({ drnn: version, node: process.versions.node });
