import { inBursts, mirrorLower, type Stored } from '@drnn/backend-wasm/kernels';
import type { Matrix } from '@drnn/tensor';
import { gramsByPairs } from './gram-by-pairs.js';
import { scaleRows } from './host.js';
import { newMatrix } from './huge-pages.js';
import type { Workshop } from './pass.js';

/** Numbers widened, and weighted, at once: so few that they are still in a cache when they are read again. */
const blockNumbers = 2 ** 18;
/** Up to so many predictors for each unit asked for, pairs made once for all are cheaper than rows weighted for each. */
const predictorsAUnit = 4;
/** Multiplications of a burst: some half a second, after which others may run. */
const burstProducts = 2e10;

/**
 * X' diag(w_j) X in float64, also of float32 rows, for the columns j in [from, to) of the weights, or X'X alone; of many
 * units by pairs of predictors.
 */
export const gramsOf = async (
  workshop: Workshop,
  design: Stored,
  weights: Stored | null,
  from: number,
  to: number,
): Promise<readonly Matrix[]> => {
  const { columns: predictors } = design;
  const zeros = newMatrix(workshop.prepare);
  const grams = Array.from({ length: to - from }, () => zeros(predictors, predictors));
  if (predictors === 0 || design.rows === 0) return grams;
  if (weights !== null && predictors <= predictorsAUnit * grams.length) {
    await gramsByPairs(workshop, design, weights, from, grams);
  } else await gramsByRoots(workshop, design, weights, from, grams);
  grams.forEach(mirrorLower);
  return grams;
};

/** Their lower triangles, one by one: the square roots of the weights scale the rows. */
const gramsByRoots = async (
  { library, threads, precision }: Workshop,
  design: Stored,
  weights: Stored | null,
  from: number,
  grams: readonly Matrix[],
): Promise<void> => {
  const { rows: time, columns: predictors } = design;
  const blockRows = Math.max(1, Math.min(time, Math.floor(blockNumbers / predictors)));
  const widened = new Float64Array(precision === 'float64' ? 0 : blockRows * predictors);
  const weighted = new Float64Array(weights === null ? 0 : blockRows * predictors);
  const roots = new Float64Array(blockRows);
  const atOnce = Math.max(blockRows, Math.floor(burstProducts / Math.max(1, predictors * predictors * grams.length)));
  await inBursts(weights === null ? [design] : [design, weights], atOnce, precision, (_, length, strips) => {
    const [x, w] = strips;
    if (x === undefined) return;
    library.useThreads(threads);
    for (let start = 0; start < length; start += blockRows) {
      const rows = Math.min(blockRows, length - start);
      const at = x.offset + start * predictors;
      const own = x.values.subarray(at, at + rows * predictors);
      if (own instanceof Float32Array) widened.set(own);
      const wide = own instanceof Float32Array ? widened : own;
      grams.forEach(({ data }, k) => {
        if (w !== undefined && weights !== null) {
          const first = w.offset + start * weights.columns + from + k;
          for (let i = 0; i < rows; i++) roots[i] = Math.sqrt(w.values[first + i * weights.columns]!);
          scaleRows(wide, rows, predictors, roots, weighted);
        }
        library.does.gramLower(rows, predictors, w === undefined ? wide : weighted, data, 1);
      });
    }
  });
};
