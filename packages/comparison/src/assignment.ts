import { failure, firstNonFinite, type Matrix, transpose } from '@drnn/tensor';

/** A choice of pairs (row, column), no row and no column twice, as many as the shorter side. */
export interface Assignment {
  /** The column of each row; -1 for a row without one, where there are more rows than columns. */
  readonly columnOf: Int32Array;
  /** The sum of the chosen costs. */
  readonly cost: number;
}

/**
 * The assignment of rows to columns with the smallest sum of costs (the Hungarian method, by shortest augmenting paths).
 * Cost m n min(m, n). Errors: costs that are not finite. Source: Kuhn 1955; Jonker and Volgenant 1987.
 */
export const assign = (costs: Matrix): Assignment => {
  if (firstNonFinite(costs.data) >= 0) {
    throw failure({ path: 'costs', seen: 'NaN or infinity', expected: 'finite numbers' });
  }
  if (costs.rows <= costs.columns) return assignRows(costs);
  const { columnOf: rowOf, cost } = assignRows(transpose(costs));
  const columnOf = new Int32Array(costs.rows).fill(-1);
  rowOf.forEach((row, column) => (columnOf[row] = column));
  return { columnOf, cost };
};

/** Every row, of at most as many as there are columns. */
const assignRows = ({ rows, columns, data }: Matrix): Assignment => {
  // Potentials with u_i + v_j <= c_ij, equal on the chosen pairs. Column `columns` stands for "none yet".
  const u = new Float64Array(rows);
  const v = new Float64Array(columns + 1);
  const rowOf = new Int32Array(columns + 1).fill(-1);
  const before = new Int32Array(columns + 1);
  const distance = new Float64Array(columns);
  const isDone = new Uint8Array(columns + 1);
  for (let start = 0; start < rows; start++) {
    let column = columns;
    rowOf[column] = start;
    distance.fill(Infinity);
    isDone.fill(0);
    while (rowOf[column]! >= 0) {
      isDone[column] = 1;
      const row = rowOf[column]!;
      let nearest = columns;
      let step = Infinity;
      for (let j = 0; j < columns; j++) {
        if (isDone[j] === 1) continue;
        const reduced = data[row * columns + j]! - u[row]! - v[j]!;
        if (reduced < distance[j]!) {
          distance[j] = reduced;
          before[j] = column;
        }
        if (distance[j]! < step) {
          step = distance[j]!;
          nearest = j;
        }
      }
      for (let j = 0; j <= columns; j++) {
        if (isDone[j] === 1) {
          u[rowOf[j]!]! += step;
          v[j]! -= step;
        } else if (j < columns) distance[j]! -= step;
      }
      column = nearest;
    }
    while (column !== columns) {
      const previous = before[column]!;
      rowOf[column] = rowOf[previous]!;
      column = previous;
    }
  }
  const columnOf = new Int32Array(rows).fill(-1);
  for (let j = 0; j < columns; j++) if (rowOf[j]! >= 0) columnOf[rowOf[j]!] = j;
  let cost = 0;
  for (let i = 0; i < rows; i++) cost += data[i * columns + columnOf[i]!]!;
  return { columnOf, cost };
};
