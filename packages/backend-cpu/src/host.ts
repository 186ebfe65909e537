import { completeHost, expectLength, type Host, outOrNew, productShape } from '@drnn/tensor';
import { choleskyWith } from './cholesky.js';
import { eigh } from './eigh.js';
import { createGemm, type Gemm } from './gemm.js';
import { mirrorLower, syrkLower } from './syrk.js';
import { triangularSolveWith } from './triangular.js';

/** A host around one product kernel, whose packing buffers it owns. */
export const hostWith = (gemm: Gemm): Host =>
  completeHost({
    name: 'cpu',
    matMul: (a, b, options = {}) => {
      const { rows, inner, columns, out } = productShape(a, b, options);
      const [aRow, aColumn] = options.transposeA === true ? [1, a.columns] : [a.columns, 1];
      const [bRow, bColumn] = options.transposeB === true ? [1, b.columns] : [b.columns, 1];
      gemm(
        rows,
        columns,
        inner,
        { values: a.data, offset: 0, rowStride: aRow, columnStride: aColumn },
        { values: b.data, offset: 0, rowStride: bRow, columnStride: bColumn },
        { values: out.data, offset: 0, rowStride: columns },
        { alpha: options.alpha ?? 1, beta: options.beta ?? 0 },
      );
      return out;
    },
    gram: (a, weights, out) => {
      if (weights !== undefined) expectLength('gram weights', weights, a.rows);
      const result = outOrNew('gram', out, a.columns, a.columns);
      syrkLower(gemm, a.rows, a.columns, a.data, 0, result.data, 0, weights);
      mirrorLower(result.data, a.columns);
      return result;
    },
    cholesky: choleskyWith(gemm),
    triangularSolve: triangularSolveWith(gemm),
    eigh,
  });

/** Synchronous float64 algebra in plain TypeScript, for work without rows. */
export const host: Host = hostWith(createGemm());
