import type { TransitionSource } from '@drnn/simulator';
import { matrix, type RowSource } from '@drnn/tensor';

/** X = [R | U | 1], [transition, predictor], as it is read; without a bias it is the predictors themselves. */
export const designOf = ({ predictors }: TransitionSource, bias: boolean): RowSource => {
  if (!bias) return predictors;
  const { rows, columns } = predictors;
  return {
    rows,
    columns: columns + 1,
    blocks: async function* (length) {
      for await (const piece of predictors.blocks(length)) {
        const block = matrix(piece.rows, columns + 1);
        for (let t = 0; t < piece.rows; t++) {
          block.data.set(piece.data.subarray(t * columns, (t + 1) * columns), t * (columns + 1));
          block.data[t * (columns + 1) + columns] = 1;
        }
        yield block;
      }
    },
  };
};
