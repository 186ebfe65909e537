import { product, qr, singularValues, svd } from '@drnn/linalg';
import { failure, type Issue, type Matrix, matrix, refuse } from '@drnn/tensor';

const columnsIssues = (path: string, a: Matrix, units: number): readonly Issue[] =>
  a.rows === units && a.columns >= 1 && a.columns <= a.rows
    ? []
    : [
        {
          path,
          seen: `[${a.rows}, ${a.columns}]`,
          expected: `[unit=${units}, vector], at least one and no more vectors than units`,
        },
      ];

/** An orthonormal basis of the columns of A, which must be independent. */
const basisOf = (path: string, a: Matrix): Matrix => {
  const { orthogonal, triangular } = qr(a);
  const k = a.columns;
  let largest = 0;
  for (let j = 0; j < k; j++) largest = Math.max(largest, Math.abs(triangular.data[j * k + j]!));
  for (let j = 0; j < k; j++) {
    if (!(Math.abs(triangular.data[j * k + j]!) > 1e-12 * largest)) {
      throw failure({ path, seen: `vector ${j} in the span of those before it`, expected: 'independent vectors' });
    }
  }
  return orthogonal;
};

/**
 * Principal angles between the spans of the columns of A and of B `[unit, vector]`, radians, ascending, as many as the
 * smaller span has dimensions. Cosines are the singular values of Qa' Qb; small angles come from the sines, singular
 * values of Qb - Qa Qa' Qb, so that equal spans give 0 to rounding. Cost: two QR, two small SVD. Errors: shapes;
 * vectors that depend on each other. Source: Björck and Golub 1973.
 */
export const subspaceAngles = (a: Matrix, b: Matrix): Float64Array => {
  refuse([...columnsIssues('a', a, a.rows), ...columnsIssues('b', b, a.rows)]);
  if (a.columns < b.columns) return subspaceAngles(b, a);
  const [p, q] = [basisOf('a', a), basisOf('b', b)];
  const overlap = product(p, q, { transposeA: true });
  const cosines = singularValues(overlap);
  const rest = product(p, overlap);
  const sines = singularValues(
    matrix(
      q.rows,
      q.columns,
      q.data.map((value, i) => value - rest.data[i]!),
    ),
  );
  const k = q.columns;
  // Cosines descend and sines too: the smallest angle has the last sine.
  return Float64Array.from({ length: k }, (_, i) => {
    const [cosine, sine] = [cosines[i] ?? 0, sines[k - 1 - i] ?? 0];
    return cosine * cosine < 0.5 ? Math.acos(Math.min(1, cosine)) : Math.asin(Math.min(1, sine));
  });
};

/**
 * How much of the variance that k dimensions could hold the columns of A hold: tr(Q' C Q) / (l_1 + ... + l_k), with C a
 * covariance `[unit, unit]`, l its eigenvalues and Q a basis of the columns of A `[unit, vector]`. 1 for the span of the
 * first principal components, 0 for a span in which nothing varies. Errors: shapes; a C without variance. Source:
 * Elsayed et al. 2016.
 */
export const alignmentIndex = (a: Matrix, covariance: Matrix): number => {
  refuse([
    ...columnsIssues('a', a, a.rows),
    ...(covariance.rows === a.rows && covariance.columns === a.rows
      ? []
      : [
          {
            path: 'covariance',
            seen: `[${covariance.rows}, ${covariance.columns}]`,
            expected: `[unit=${a.rows}, unit=${a.rows}]`,
          },
        ]),
  ]);
  const q = basisOf('a', a);
  const image = product(covariance, q);
  let held = 0;
  for (let i = 0; i < q.data.length; i++) held += q.data[i]! * image.data[i]!;
  const { values } = svd(covariance);
  const most = values.subarray(0, a.columns).reduce((sum, value) => sum + value, 0);
  if (!(most > 0)) throw failure({ path: 'covariance', seen: 'no variance', expected: 'activity that varies' });
  return held / most;
};
