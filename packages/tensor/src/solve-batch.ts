import { type Issue, refuse } from './error.js';

/** Systems up to this order are solved by `solveBatch`. */
const largest = 16;

/**
 * Solves many small symmetric positive semidefinite systems by L D L' in place (Golub and Van Loan, section 4.1).
 * A pivot at or below `tolerance` times the system's largest diagonal entry drops its unknown: its solution is 0 and
 * the others are solved without it. Only lower triangles are read; both arrays are overwritten. Cost m^3 / 3 each.
 */
export const solveBatch = (
  systems: Float64Array,
  rightSides: Float64Array,
  m: number,
  count: number,
  tolerance = 1e-12,
): void => {
  const issues: Issue[] = [];
  if (!(Number.isInteger(m) && m >= 0 && m <= largest))
    issues.push({ path: 'solveBatch m', seen: `${m}`, expected: `a whole number from 0 to ${largest}` });
  if (systems.length !== count * m * m)
    issues.push({ path: 'solveBatch systems', seen: `${systems.length} numbers`, expected: `${count} x ${m} x ${m}` });
  if (rightSides.length !== count * m)
    issues.push({ path: 'solveBatch rightSides', seen: `${rightSides.length} numbers`, expected: `${count} x ${m}` });
  refuse(issues);

  for (let s = 0; s < count; s++) {
    const a = s * m * m;
    const b = s * m;
    let top = 0;
    for (let i = 0; i < m; i++) top = Math.max(top, systems[a + i * m + i]!);
    const floor = tolerance * top;
    for (let j = 0; j < m; j++) {
      // Below the diagonal of column k < j stand the entries of L, on it those of D; a dropped column is all zero.
      let pivot = systems[a + j * m + j]!;
      for (let k = 0; k < j; k++) pivot -= systems[a + j * m + k]! ** 2 * systems[a + k * m + k]!;
      const dropped = pivot <= floor;
      systems[a + j * m + j] = dropped ? 0 : pivot;
      for (let i = j + 1; i < m; i++) {
        let sum = systems[a + i * m + j]!;
        for (let k = 0; k < j; k++) sum -= systems[a + i * m + k]! * systems[a + j * m + k]! * systems[a + k * m + k]!;
        systems[a + i * m + j] = dropped ? 0 : sum / pivot;
      }
      let y = rightSides[b + j]!;
      for (let k = 0; k < j; k++) y -= systems[a + j * m + k]! * rightSides[b + k]!;
      rightSides[b + j] = dropped ? 0 : y;
    }
    for (let j = m - 1; j >= 0; j--) {
      const pivot = systems[a + j * m + j]!;
      if (pivot === 0) {
        rightSides[b + j] = 0;
        continue;
      }
      let x = rightSides[b + j]! / pivot;
      for (let i = j + 1; i < m; i++) x -= systems[a + i * m + j]! * rightSides[b + i]!;
      rightSides[b + j] = x;
    }
  }
};
