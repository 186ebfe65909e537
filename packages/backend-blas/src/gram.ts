import { inBursts, mirrorLower, type Stored } from '@drnn/backend-wasm/kernels';
import type { Matrix } from '@drnn/tensor';
import { scaleRows } from './host.js';
import { newMatrix } from './huge-pages.js';
import type { Workshop } from './pass.js';

/** Rows widened or weighted at once: so few that they are still in a cache when the library reads them. */
const blockNumbers = 2 ** 18;
/** Multiplications of a burst: some half a second, after which others may run. */
const burstProducts = 2e10;

/**
 * X' diag(w_j) X in float64, also of float32 rows, for the columns j in [from, to) of the weights, or X'X alone. The
 * square roots of the weights scale the rows, so that only a triangle is computed.
 */
export const gramsOf = async (
  { library, threads, precision, prepare }: Workshop,
  design: Stored,
  weights: Stored | null,
  from: number,
  to: number,
): Promise<readonly Matrix[]> => {
  const { rows: time, columns: predictors } = design;
  const zeros = newMatrix(prepare);
  const grams = Array.from({ length: to - from }, () => zeros(predictors, predictors));
  const blockRows = Math.max(1, Math.min(time, Math.floor(blockNumbers / Math.max(1, predictors))));
  const block = new Float64Array(blockRows * predictors);
  const atOnce = Math.max(blockRows, Math.floor(burstProducts / Math.max(1, predictors * predictors * grams.length)));
  if (predictors > 0) {
    await inBursts(weights === null ? [design] : [design, weights], atOnce, precision, (_, length, strips) => {
      const [x, w] = strips;
      if (x === undefined) return;
      library.useThreads(threads);
      for (let start = 0; start < length; start += blockRows) {
        const rows = Math.min(blockRows, length - start);
        const at = x.offset + start * predictors;
        const own = x.values.subarray(at, at + rows * predictors);
        if (w === undefined) block.set(own);
        grams.forEach(({ data }, k) => {
          if (w !== undefined && weights !== null) {
            const { columns } = weights;
            scaleRows(own, 0, rows, predictors, w.values, w.offset + start * columns + from + k, columns, block);
          }
          library.does.gramLower(rows, predictors, block, data, 1);
        });
      }
    });
  }
  grams.forEach(mirrorLower);
  return grams;
};
