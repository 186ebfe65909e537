import { assertBackend, backendLaws } from '@drnn/tensor/laws';
import { backend } from './backend.js';

/** Every law, on the graphics processor of this browser, whose adapter it names. */
export const run = async (parameters: {
  readonly runs: number;
}): Promise<{ readonly laws: readonly string[]; readonly device: string }> => {
  const on = await backend();
  const { device } = on;
  await on.close();
  await assertBackend(() => backend(), parameters);
  return { laws: backendLaws.map(({ name }) => name), device };
};
