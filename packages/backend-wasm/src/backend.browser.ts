import type { Precision } from '@drnn/tensor';
import { assertBackend, backendLaws } from '@drnn/tensor/laws';
import { backend } from './backend.js';
import { hasFusedMultiplyAdd } from './kernel-module.js';

/** Every law, and whether the engine gave the kernels fused multiply-add. */
export const run = async (parameters: {
  readonly precision: Precision;
  readonly threads: number;
  readonly runs: number;
}): Promise<{ readonly laws: readonly string[]; readonly fused: boolean }> => {
  const { precision, threads, runs } = parameters;
  await assertBackend(() => backend({ precision, threads }), { runs });
  return { laws: backendLaws.map(({ name }) => name), fused: hasFusedMultiplyAdd() };
};
