import { DrnnError, matrix } from '@drnn/tensor';
import { backend } from './backend.js';

/** How many threads a backend has by itself, what it says when two are asked for, and one product of it. */
export const run = async (): Promise<{ readonly threads: number; readonly two: string; readonly product: number }> => {
  const on = await backend();
  const ones = matrix(40, 40, new Float64Array(1600).fill(1));
  const product = on.host.matMul(ones, ones).data[0] ?? Number.NaN;
  await on.close();
  const two = await backend({ threads: 2 }).then(
    async (other) => {
      await other.close();
      return 'started';
    },
    (error: unknown) => (error instanceof DrnnError ? error.message : `not a DrnnError: ${String(error)}`),
  );
  return { threads: on.threads, two, product };
};
