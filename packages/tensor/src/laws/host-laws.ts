import fc from 'fast-check';
import { derivative } from '../derivative.js';
import { DrnnError } from '../error.js';
import { evaluate } from '../evaluate.js';
import { add, type Expression, mul, sub, tanh, variable } from '../expression.js';
import type { Host, ScanRequest } from '../host.js';
import { copyMatrix, identity, matrix, type Matrix, rowRange, transpose } from '../matrix.js';
import { arbitraryExpression, arbitrarySeed, arbitrarySize, drawnMatrix, type Values } from './arbitrary.js';
import { type BoundedMatrix, boundedProduct, boundedValue, exactly, expectWithin } from './reference.js';

/** How much to try. */
export interface LawOptions {
  /** Random cases a law. Default 25. */
  readonly runs?: number;
  /** Repeats the cases of an earlier run. */
  readonly seed?: number;
}

export interface HostLaw {
  readonly name: string;
  check(host: Host, parameters: fc.Parameters<unknown>): void;
}

/** Rounding allowed in float64 products and sums, of the sum of the terms' absolute values: a block of 256 in turn. */
const product = 3e-14;

/** Fails unless `act` throws a `DrnnError`. */
const expectRefusal = (what: string, act: () => unknown): void => {
  try {
    act();
  } catch (error) {
    if (error instanceof DrnnError) return;
    throw new Error(`${what}: refused by ${String(error)}, not a DrnnError`, { cause: error });
  }
  throw new Error(`${what}: not refused`);
};

/** A multiplied out and bounded by size: |A| |B| times `product`. */
const naive = (a: Matrix, transposeA: boolean, b: Matrix, transposeB = false): BoundedMatrix =>
  boundedProduct(a, transposeA, exactly(b), transposeB, product);

/** A symmetric positive definite matrix of order n with a condition number of some 10^3. */
const positiveDefinite = (n: number, seed: number): Matrix => {
  const b = drawnMatrix(n + 2, n, seed);
  const a = naive(b, true, b).value;
  for (let i = 0; i < n; i++) a.data[i * n + i] = (a.data[i * n + i] ?? 0) + 0.05 * (n + 1);
  return a;
};

/** The same matrix with NaN above the diagonal, where nobody may look. */
const lowerOnly = (a: Matrix): Matrix => {
  const result = copyMatrix(a);
  for (let i = 0; i < a.rows; i++) result.data.fill(Number.NaN, i * a.columns + i + 1, (i + 1) * a.columns);
  return result;
};

const expectIdentical = (what: string, a: Matrix, b: Matrix): void => {
  if (a !== b) throw new Error(`${what}: did not return its out`);
};

/** Fails where A X differs from B by more than the backward error of a stable solve. */
const expectSolves = (what: string, a: Matrix, transposed: boolean, x: Matrix, b: Matrix, factor: number): void => {
  const back = boundedProduct(a, transposed, exactly(x), false, 1e-15 * factor);
  expectWithin(what, b.data, { value: back.value, error: back.error });
};

const size = arbitrarySize(70);

const matMulLaw: HostLaw = {
  name: 'matMul',
  check: (host, parameters) => {
    fc.assert(
      fc.property(
        fc.record({
          m: size,
          k: fc.oneof({ weight: 5, arbitrary: size }, { weight: 1, arbitrary: fc.constantFrom(257, 600) }),
          n: size,
          transposeA: fc.boolean(),
          transposeB: fc.boolean(),
          alpha: fc.constantFrom(1, -1, 0.5),
          beta: fc.constantFrom(0, 1, -0.5),
          given: fc.boolean(),
          values: fc.constantFrom<Values>('ordinary', 'wild'),
          seed: arbitrarySeed,
        }),
        ({ m, k, n, transposeA, transposeB, alpha, beta, given, values, seed }) => {
          // Operands are ranges of rows of larger matrices.
          const [aRows, aColumns] = transposeA ? [k, m] : [m, k];
          const [bRows, bColumns] = transposeB ? [n, k] : [k, n];
          const a = rowRange(drawnMatrix(aRows + 3, aColumns, seed, values), 2, aRows + 2);
          const b = rowRange(drawnMatrix(bRows + 2, bColumns, seed + 1, values), 1, bRows + 1);
          const before = drawnMatrix(m, n, seed + 2);
          if (beta === 0) before.data.fill(Number.NaN);
          const expected = boundedProduct(a, transposeA, exactly(b), transposeB, product);
          for (let i = 0; i < m * n; i++) {
            const old = beta === 0 || !given ? 0 : beta * (before.data[i] ?? 0);
            expected.value.data[i] = alpha * (expected.value.data[i] ?? 0) + old;
            expected.error.data[i] = (expected.error.data[i] ?? 0) + product * Math.abs(old);
          }
          const options = { transposeA, transposeB, alpha };
          if (given) {
            const out = copyMatrix(before);
            expectIdentical('matMul', host.matMul(a, b, { ...options, beta, out }), out);
            expectWithin('matMul', out.data, expected);
          } else {
            expectWithin('matMul', host.matMul(a, b, options).data, expected);
          }
        },
      ),
      parameters,
    );
    const a = matrix(3, 4);
    expectRefusal('matMul of [3, 4] and [3, 4]', () => host.matMul(a, a));
    expectRefusal('matMul into a wrong out', () => host.matMul(a, matrix(4, 2), { out: matrix(2, 3) }));
    const square = matrix(4, 4);
    expectRefusal('matMul into an operand', () => host.matMul(a, square, { transposeB: true, out: a }));
    const bad = drawnMatrix(40, 40, 5);
    bad.data[3 * 40 + 7] = Number.NaN;
    const spoiled = host.matMul(bad, drawnMatrix(40, 40, 6));
    for (let i = 0; i < 1600; i++) {
      if (Number.isNaN(spoiled.data[i]) !== (Math.floor(i / 40) === 3))
        throw new Error('matMul: NaN of row 3 must reach row 3 and no other');
    }
  },
};

const gramLaw: HostLaw = {
  name: 'gram',
  check: (host, parameters) =>
    fc.assert(
      fc.property(
        fc.oneof({ weight: 4, arbitrary: size }, { weight: 1, arbitrary: fc.constant(600) }),
        size,
        fc.boolean(),
        arbitrarySeed,
        (rows, columns, weighted, seed) => {
          const a = drawnMatrix(rows, columns, seed);
          const weights = drawnMatrix(rows, 1, seed + 1).data.map(Math.abs);
          const g = weighted ? host.gram(a, weights) : host.gram(a);
          const expected = boundedProduct(a, true, exactly(a), false, product, weighted ? weights : undefined);
          expectWithin('gram', g.data, expected);
          if (!transpose(g).data.every((value, i) => value === g.data[i])) throw new Error('gram: not symmetric');
          const out = matrix(columns, columns);
          out.data.fill(Number.NaN);
          expectIdentical('gram', host.gram(a, weighted ? weights : undefined, out), out);
          expectWithin('gram into out', out.data, expected);
        },
      ),
      parameters,
    ),
};

const choleskyLaw: HostLaw = {
  name: 'cholesky',
  check: (host, parameters) => {
    fc.assert(
      fc.property(arbitrarySize(150), arbitrarySize(20), arbitrarySeed, (n, columns, seed) => {
        const a = positiveDefinite(n, seed);
        const result = host.cholesky(lowerOnly(a));
        if (!result.ok) throw new Error(`cholesky: failed at pivot ${result.pivot} of a definite matrix`);
        const { lower } = result.factor;
        for (let i = 0; i < n; i++)
          for (let j = i + 1; j < n; j++)
            if (lower.data[i * n + j] !== 0) throw new Error(`cholesky: [${i}, ${j}] above the diagonal is not 0`);
        const back = boundedProduct(lower, false, exactly(lower), true, 1e-15 * (n + 4));
        expectWithin("cholesky L L'", a.data, back);
        const place = lowerOnly(a);
        const inPlace = host.cholesky(place, place);
        if (!inPlace.ok) throw new Error('cholesky: failed in place of its matrix');
        expectIdentical('cholesky', inPlace.factor.lower, place);
        expectWithin('cholesky in place', place.data, { value: lower, error: matrix(n, n) });
        const b = drawnMatrix(n, columns, seed + 1);
        const x = host.choleskySolve(result.factor, b);
        const square = boundedProduct(a, false, exactly(x), false, 1e-15 * (n + 4) * 4);
        expectWithin('choleskySolve', b.data, square);
        const goal = copyMatrix(b);
        expectIdentical('choleskySolve', host.choleskySolve(result.factor, goal, goal), goal);
        expectWithin('choleskySolve in place', goal.data, { value: x, error: matrix(n, columns) });
        const inverse = host.choleskyInverse(result.factor);
        const unit = boundedProduct(a, false, exactly(inverse), false, 1e-15 * (n + 4) * 4);
        expectWithin('choleskyInverse', identity(n).data, unit);
        expectWithin('choleskyInverse, turned', transpose(inverse).data, { value: inverse, error: matrix(n, n) });
      }),
      parameters,
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 120 }),
        fc.nat(),
        fc.constantFrom(-1, 0, Number.NaN, Infinity),
        (n, at, value) => {
          const a = identity(n);
          const bad = at % n;
          a.data[bad * n + bad] = value;
          const result = host.cholesky(a);
          if (result.ok || result.pivot !== bad)
            throw new Error(`cholesky: pivot ${bad} is ${value}, and it said ${JSON.stringify(result.ok)}`);
        },
      ),
      parameters,
    );
    const hidden = positiveDefinite(70, 3);
    hidden.data[60 * 70 + 4] = Number.NaN;
    if (host.cholesky(hidden).ok) throw new Error('cholesky: NaN below the diagonal went unseen');
    expectRefusal('cholesky of [2, 3]', () => host.cholesky(matrix(2, 3)));
  },
};

const triangularLaw: HostLaw = {
  name: 'triangularSolve',
  check: (host, parameters) => {
    fc.assert(
      fc.property(arbitrarySize(150), arbitrarySize(40), fc.boolean(), arbitrarySeed, (n, columns, turned, seed) => {
        const lower = drawnMatrix(n, n, seed);
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) {
            const at = i * n + j;
            if (j > i) lower.data[at] = Number.NaN;
            else lower.data[at] = i === j ? 1 + Math.abs(lower.data[at] ?? 0) : (lower.data[at] ?? 0) / (n + 1);
          }
        }
        const clean = copyMatrix(lower);
        for (let i = 0; i < n; i++) clean.data.fill(0, i * n + i + 1, (i + 1) * n);
        const b = drawnMatrix(n, columns, seed + 1);
        const x = host.triangularSolve(lower, b, { transpose: turned });
        expectSolves('triangularSolve', clean, turned, x, b, n + 4);
        const place = copyMatrix(b);
        expectIdentical(
          'triangularSolve',
          host.triangularSolve(lower, place, { transpose: turned, out: place }),
          place,
        );
        expectWithin('triangularSolve in place', place.data, exactly(x));
      }),
      parameters,
    );
    expectRefusal('triangularSolve of unequal heights', () => host.triangularSolve(identity(3), matrix(2, 1)));
  },
};

const choleskyBatchLaw: HostLaw = {
  name: 'choleskyBatch',
  check: (host, parameters) =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        arbitrarySeed,
        fc.array(fc.array(fc.nat(), { maxLength: 12 }), { maxLength: 4 }),
        (n, seed, picks) => {
          const a = positiveDefinite(n, seed);
          const sets = picks.map((pick) => Int32Array.from(new Set(pick.map((k) => k % n))));
          const results = host.choleskyBatch(lowerOnly(a), sets);
          if (results.length !== sets.length) throw new Error('choleskyBatch: not one result a set');
          results.forEach((result, k) => {
            const set = sets[k] ?? new Int32Array(0);
            if (!result.ok) throw new Error('choleskyBatch: failed on a definite matrix');
            const part = matrix(set.length, set.length);
            set.forEach((row, i) =>
              set.forEach((column, j) => (part.data[i * set.length + j] = a.data[row * n + column] ?? 0)),
            );
            const { lower } = result.factor;
            expectWithin(
              'choleskyBatch',
              part.data,
              boundedProduct(lower, false, exactly(lower), true, 1e-14 * (n + 4)),
            );
          });
        },
      ),
      parameters,
    ),
};

const eighLaw: HostLaw = {
  name: 'eigh',
  check: (host, parameters) => {
    const check = (a: Matrix): void => {
      const n = a.rows;
      const { values, vectors } = host.eigh(lowerOnly(a));
      const norm = values.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
      for (let k = 1; k < n; k++)
        if (!((values[k - 1] ?? 0) <= (values[k] ?? 0))) throw new Error('eigh: values not ascending');
      const scaled = copyMatrix(vectors);
      for (let i = 0; i < n * n; i++) scaled.data[i] = (scaled.data[i] ?? 0) * (values[i % n] ?? 0);
      const allowed = (bound: number): Matrix => matrix(n, n, new Float64Array(n * n).fill(bound));
      const image = naive(a, false, vectors).value;
      expectWithin('eigh A V - V D', image.data, { value: scaled, error: allowed(1e-13 * norm + 5e-324 * n * 16) });
      const product1 = naive(vectors, true, vectors).value;
      expectWithin("eigh V'V", product1.data, { value: identity(n), error: allowed(1e-13) });
    };
    fc.assert(
      fc.property(
        arbitrarySize(40),
        arbitrarySeed,
        fc.constantFrom(0, -200, 140),
        fc.boolean(),
        (n, seed, exponent, lowRank) => {
          const b = drawnMatrix(lowRank ? 2 : n, n, seed);
          const a = lowRank ? naive(b, true, b).value : b;
          for (let i = 0; i < n; i++) {
            for (let j = 0; j <= i; j++) {
              const value = (a.data[i * n + j] ?? 0) * 10 ** exponent;
              a.data[i * n + j] = value;
              a.data[j * n + i] = value;
            }
          }
          check(a);
        },
      ),
      parameters,
    );
    [identity(7), matrix(5, 5), identity(1), matrix(0, 0)].forEach(check);
    expectRefusal('eigh of NaN', () => host.eigh(matrix(1, 1, Float64Array.of(Number.NaN))));
  },
};

const solveBatchLaw: HostLaw = {
  name: 'solveBatch',
  check: (host, parameters) =>
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 16 }),
        fc.integer({ min: 0, max: 5 }),
        fc.boolean(),
        arbitrarySeed,
        (m, count, singular, seed) => {
          const systems = new Float64Array(count * m * m);
          const rightSides = drawnMatrix(count, m, seed).data;
          const wanted = rightSides.slice();
          const matrices = Array.from({ length: count }, (_, s) => {
            const a = positiveDefinite(m, seed + s);
            // A unit that the system does not see: its row, column and right side are 0.
            if (singular && m > 0) {
              for (let k = 0; k < m; k++) {
                a.data[k] = 0;
                a.data[k * m] = 0;
              }
              wanted[s * m] = 0;
              rightSides[s * m] = 0;
            }
            systems.set(a.data, s * m * m);
            return a;
          });
          host.solveBatch(systems, rightSides, m, count);
          matrices.forEach((a, s) => {
            const x = matrix(m, 1, rightSides.slice(s * m, (s + 1) * m));
            const b = matrix(m, 1, wanted.slice(s * m, (s + 1) * m));
            expectSolves('solveBatch', a, false, x, b, 40 * (m + 4));
            if (singular && m > 0 && x.data[0] !== 0) throw new Error('solveBatch: a dropped unknown is not 0');
          });
        },
      ),
      parameters,
    ),
};

const columnLaw: HostLaw = {
  name: 'zeros, copy, rankUpdate, columnDot, columnScaleAdd, gather, scatter',
  check: (host, parameters) => {
    fc.assert(
      fc.property(size, size, arbitrarySeed, fc.constantFrom(1, -0.25), (rows, columns, seed, alpha) => {
        const x = drawnMatrix(rows, columns, seed);
        const y = drawnMatrix(rows, columns, seed + 1);
        const scale = drawnMatrix(1, columns, seed + 2).data;

        const dots = { value: matrix(1, columns), error: matrix(1, columns) };
        const added = { value: copyMatrix(y), error: matrix(rows, columns) };
        for (let i = 0; i < rows * columns; i++) {
          const j = i % columns;
          const [a, b] = [x.data[i] ?? 0, y.data[i] ?? 0];
          dots.value.data[j] = (dots.value.data[j] ?? 0) + a * b;
          dots.error.data[j] = (dots.error.data[j] ?? 0) + product * Math.abs(a * b);
          const change = (scale[j] ?? 0) * a;
          added.value.data[i] = b + change;
          added.error.data[i] = product * (Math.abs(b) + Math.abs(change));
        }
        const zeros = host.zeros(rows, columns);
        expectWithin('zeros', zeros.data, exactly(matrix(rows, columns)));
        const copied = host.copy(x);
        expectWithin('copy', copied.data, exactly(x));
        if (copied.data.buffer === x.data.buffer) throw new Error('copy: shares memory');
        expectWithin('columnDot', host.columnDot(x, y), dots);
        expectWithin('columnDot into out', host.columnDot(x, y, new Float64Array(columns).fill(Number.NaN)), dots);
        expectWithin('columnScaleAdd', host.columnScaleAdd(scale, x, copyMatrix(y)).data, added);

        const g = positiveDefinite(columns, seed + 3);
        const grown = naive(x, true, x);
        for (let i = 0; i < columns * columns; i++) {
          const old = g.data[i] ?? 0;
          grown.value.data[i] = old + alpha * (grown.value.data[i] ?? 0);
          grown.error.data[i] = (grown.error.data[i] ?? 0) + product * Math.abs(old);
        }
        expectWithin('rankUpdate', host.rankUpdate(g, x, alpha).data, grown);

        if (rows > 0) {
          const order = Int32Array.from({ length: rows + 2 }, (_, k) => (k * 7 + 3) % rows);
          const picked = host.gather(x, order);
          order.forEach((row, k) => {
            for (let j = 0; j < columns; j++)
              if (picked.data[k * columns + j] !== x.data[row * columns + j]) throw new Error('gather: a wrong row');
          });
          const reversed = Int32Array.from({ length: rows }, (_, k) => rows - 1 - k);
          const back = host.scatter(host.gather(x, reversed), reversed, copyMatrix(y));
          expectWithin('scatter after gather', back.data, exactly(x));
        }
      }),
      parameters,
    );
    expectRefusal('gather of row 3 of 3', () => host.gather(matrix(3, 1), Int32Array.of(3)));
    expectRefusal('scatter to row -1', () => host.scatter(matrix(1, 1), Int32Array.of(-1), matrix(3, 1)));
    expectRefusal('columnDot of unequal shapes', () => host.columnDot(matrix(3, 2), matrix(2, 3)));
  },
};

const pointwiseLaw: HostLaw = {
  name: 'pointwise',
  check: (host, parameters) => {
    const accuracy = { pointwise: 1.5e-15, absolute: 5e-324 };
    fc.assert(
      fc.property(
        fc.array(arbitraryExpression({ variables: ['d', 'w'] }), { minLength: 1, maxLength: 3 }),
        fc.oneof(arbitrarySize(30), fc.integer({ min: 200, max: 900 })),
        arbitrarySize(4),
        arbitrarySeed,
        (expressions, rows, columns, seed) => {
          const inputs = { d: drawnMatrix(rows, columns, seed), w: drawnMatrix(rows, columns, seed + 1) };
          const found = host.pointwise(expressions, inputs);
          expressions.forEach((e, k) => {
            const value = matrix(rows, columns);
            const error = matrix(rows, columns);
            for (let i = 0; i < rows * columns; i++) {
              const at = {
                d: { value: inputs.d.data[i] ?? 0, error: 0 },
                w: { value: inputs.w.data[i] ?? 0, error: 0 },
              };
              const bounded = boundedValue(e, at, accuracy, 1e300);
              value.data[i] = bounded.value;
              error.data[i] = bounded.error;
            }
            expectWithin(`pointwise ${k}`, found[k]?.data ?? [], { value, error });
          });
        },
      ),
      parameters,
    );
    // The same expression again, on more entries than before.
    const again = [add(variable('d'), 2)];
    for (const rows of [1, 7, 2000]) {
      const [found] = host.pointwise(again, { d: drawnMatrix(rows, 1, 3) });
      const wanted = drawnMatrix(rows, 1, 3);
      for (let i = 0; i < rows; i++) wanted.data[i] = (wanted.data[i] ?? 0) + 2;
      expectWithin(`pointwise of ${rows} after fewer`, found?.data ?? [], exactly(wanted));
    }
    const d = matrix(2, 3);
    expectRefusal('pointwise without a variable', () => host.pointwise([variable('w')], { d }));
    expectRefusal('pointwise of two shapes', () => host.pointwise([variable('d')], { d, w: matrix(3, 2) }));
  },
};

const leaky: Expression = add(mul(sub(1, variable('a')), variable('r')), mul(variable('a'), tanh(variable('z'))));

const scanLaw: HostLaw = {
  name: 'scan and scanAdjoint',
  check: (host, parameters) => {
    const request = (
      units: number,
      batch: number,
      steps: number,
      driven: boolean,
      seed: number,
      update: Expression,
    ): ScanRequest => {
      const weights = drawnMatrix(units, units, seed);
      for (let i = 0; i < units * units; i++) weights.data[i] = (weights.data[i] ?? 0) / Math.sqrt(units + 1);
      return {
        weights,
        initial: drawnMatrix(batch, units, seed + 1),
        drive: driven ? drawnMatrix(steps * batch, units, seed + 2) : null,
        steps,
        leak: drawnMatrix(1, units, seed + 3).data.map((x) => 0.1 + Math.abs(x) / 4),
        update,
      };
    };
    const byHand = ({ weights, initial, drive, steps, leak, update }: ScanRequest): Matrix => {
      const [batch, units] = [initial.rows, initial.columns];
      const path = matrix((steps + 1) * batch, units);
      path.data.set(initial.data);
      for (let row = 0; row < steps * batch; row++) {
        for (let i = 0; i < units; i++) {
          let z = drive?.data[row * units + i] ?? 0;
          for (let j = 0; j < units; j++) z += (weights.data[i * units + j] ?? 0) * (path.data[row * units + j] ?? 0);
          const at = { r: path.data[row * units + i] ?? 0, z, a: leak[i] ?? 0 };
          path.data[(row + batch) * units + i] = evaluate(update, at);
        }
      }
      return path;
    };
    const cases = fc.tuple(
      arbitrarySize(20),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 6 }),
      fc.boolean(),
      arbitrarySeed,
    );
    fc.assert(
      fc.property(cases, ([units, batch, steps, driven, seed]) => {
        const asked = request(units, batch, steps, driven, seed, leaky);
        const expected = byHand(asked);
        const near = {
          value: expected,
          error: matrix(expected.rows, units, new Float64Array(expected.data.length).fill(1e-12)),
        };
        const kept = host.scan(asked, true);
        if (kept.trajectory === null) throw new Error('scan: no trajectory kept');
        expectWithin('scan trajectory', kept.trajectory.data, near);
        const last = rowRange(expected, steps * batch, (steps + 1) * batch);
        const lastNear = { value: last, error: matrix(batch, units, new Float64Array(batch * units).fill(1e-12)) };
        expectWithin('scan final', kept.final.data, lastNear);
        const unkept = host.scan(asked);
        if (unkept.trajectory !== null) throw new Error('scan: a trajectory that nobody asked for');
        expectWithin('scan final alone', unkept.final.data, lastNear);
      }),
      parameters,
    );
    const updates = arbitraryExpression({ variables: ['r', 'z', 'a'], depth: 2, smooth: true }).map((e) =>
      add(leaky, mul(0.1, tanh(e))),
    );
    fc.assert(
      fc.property(updates, fc.boolean(), arbitrarySeed, (update, driven, seed) => {
        const asked = request(3, 2, 4, driven, seed, update);
        const { trajectory } = host.scan(asked, true);
        if (trajectory === null) throw new Error('scan: no trajectory kept');
        const cotangent = drawnMatrix(trajectory.rows, 3, seed + 9);
        const gradient = host.scanAdjoint(asked, trajectory, cotangent);
        const value = (changed: ScanRequest): number =>
          byHand(changed).data.reduce((sum, r, i) => sum + r * (cotangent.data[i] ?? 0), 0);
        const compare = (what: string, of: Matrix, place: Matrix, rebuild: (moved: Matrix) => ScanRequest): void => {
          for (let i = 0; i < place.data.length; i++) {
            const slope = (h: number): number => {
              const [up, down] = [copyMatrix(place), copyMatrix(place)];
              up.data[i] = (up.data[i] ?? 0) + h;
              down.data[i] = (down.data[i] ?? 0) - h;
              return (value(rebuild(up)) - value(rebuild(down))) / (2 * h);
            };
            // Richardson's extrapolation of central differences, and how far it moved as its own error estimate.
            const [wide, narrow] = [slope(2e-4), slope(1e-4)];
            const difference = narrow + (narrow - wide) / 3;
            const slack = 1e-7 * (1 + Math.abs(difference)) + Math.abs(narrow - wide);
            if (!(Math.abs((of.data[i] ?? Number.NaN) - difference) <= slack))
              throw new Error(`scanAdjoint ${what} ${i}: ${of.data[i]}, by differences ${difference}`);
          }
        };
        compare('weights', gradient.weights, asked.weights, (weights) => ({ ...asked, weights }));
        compare('initial', gradient.initial, asked.initial, (initial) => ({ ...asked, initial }));
        compare('drive', gradient.drive, asked.drive ?? matrix(8, 3), (drive) => ({ ...asked, drive }));
      }),
      parameters,
    );
    const wrong = request(3, 1, 2, true, 1, add(leaky, variable('q')));
    expectRefusal('scan with an unknown variable', () => host.scan(wrong));
    expectRefusal('scan with a short drive', () => host.scan({ ...wrong, update: derivative(leaky, 'r'), steps: 5 }));
  },
};

/** Everything a host must obey, by name. */
export const hostLaws: readonly HostLaw[] = [
  matMulLaw,
  gramLaw,
  choleskyLaw,
  triangularLaw,
  choleskyBatchLaw,
  eighLaw,
  solveBatchLaw,
  columnLaw,
  pointwiseLaw,
  scanLaw,
];

/** The settings of fast-check for the options of a law. */
export const lawParameters = ({ runs = 25, seed }: LawOptions): fc.Parameters<unknown> => ({
  numRuns: runs,
  ...(seed === undefined ? {} : { seed }),
});

/** Runs every host law against `host`; throws the first failure with the law's name, the case and the seed. */
export const assertHost = (host: Host, options: LawOptions = {}): void => {
  for (const law of hostLaws) {
    try {
      law.check(host, lawParameters(options));
    } catch (error) {
      throw new Error(`host ${host.name}, law ${law.name}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
};
