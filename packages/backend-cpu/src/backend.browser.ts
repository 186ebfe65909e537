import type { Precision } from '@drnn/tensor';
import { assertBackend, backendLaws } from '@drnn/tensor/laws';
import { backend } from './backend.js';

/** Holds the backend to every law; the names of those it was held to. */
export const run = async (parameters: { precision: Precision; runs: number }): Promise<readonly string[]> => {
  await assertBackend(() => backend({ precision: parameters.precision }), { runs: parameters.runs });
  return backendLaws.map(({ name }) => name);
};
