/** The middle value; of an even number of them the mean of the two in the middle; NaN of none. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? half - 1 : half], sorted[half]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
};

/** What is timed. */
export type Act = () => unknown;

/** Milliseconds of each run by the wall clock: at least one, until they add up to `milliseconds`. */
export const takeSamples = async (act: Act, milliseconds: number): Promise<readonly number[]> => {
  const samples: number[] = [];
  let total = 0;
  do {
    const began = performance.now();
    await act();
    const elapsed = performance.now() - began;
    samples.push(elapsed);
    total += elapsed;
  } while (total < milliseconds && samples.length < 2000);
  return samples;
};

/** Runs the act for a while, so that the engine optimises what is hot; the milliseconds of the last run. */
export const warm = async (act: Act, milliseconds: number): Promise<number> =>
  (await takeSamples(act, milliseconds)).at(-1) ?? 0;

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
