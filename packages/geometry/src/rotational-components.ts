import { eigen, product, svd } from '@drnn/linalg';
import { randomStream, uniform } from '@drnn/simulator';
import { firstNonFinite, type Issue, type Matrix, matrix, refuse, stackRows } from '@drnn/tensor';
import { principalComponents } from './principal-components.js';

export interface RotationalComponentsOptions {
  /** Principal components within which rotations are sought. Default 6, or as many as there are. */
  readonly components?: number;
  /** Time between two rows. Default 1. */
  readonly dt?: number;
  /**
   * Units are divided by their range + softening, so that strong ones do not decide alone. Default a tenth of the largest
   * range; Infinity leaves them as they are.
   */
  readonly softening?: number;
  /** Surrogates, in each of which every unit has its conditions in an order of its own. Default 100; 0 for none. */
  readonly surrogates?: number;
  /** Default 1. */
  readonly seed?: number;
}

/** A plane in which the activity turns. */
export interface RotationPlane {
  /** omega, radians in one dt: of central differences, so that a pure rotation w has sin(w dt) / dt. */
  readonly frequency: number;
  /** `[unit, 2]`: orthonormal directions of the normalised units; states turn from the first to the second. */
  readonly directions: Matrix;
  /** The part of the variance about the mean over conditions that lies in it. */
  readonly variance: number;
}

export interface RotationalComponents {
  /** Fastest first. */
  readonly planes: readonly RotationPlane[];
  /** The part of |x'|^2 that the best linear map, and the best skew-symmetric one, explains, and the second over the first. */
  readonly r2Full: number;
  readonly r2Skew: number;
  readonly ratio: number;
  /** The same ratio of each surrogate, and how often one is as large, (1 + n) / (1 + all); null without surrogates. */
  readonly surrogate: { readonly ratios: Float64Array; readonly probability: number } | null;
  /** `[component, component]`: x' = x M, full and skew-symmetric. */
  readonly full: Matrix;
  readonly skew: Matrix;
  /** Coordinates of activity `[time, unit]` on the planes, two columns for each. */
  readonly project: (states: Matrix) => Matrix;
}

interface Regression {
  readonly full: Matrix;
  readonly skew: Matrix;
  readonly r2Full: number;
  readonly r2Skew: number;
}

/** |Y - X M|^2 / |Y|^2 taken from 1. */
const explained = (states: Matrix, velocities: Matrix, map: Matrix): number => {
  const predicted = product(states, map);
  let [error, size] = [0, 0];
  for (let k = 0; k < predicted.data.length; k++) {
    error += (velocities.data[k]! - predicted.data[k]!) ** 2;
    size += velocities.data[k]! ** 2;
  }
  return size === 0 ? 0 : 1 - error / size;
};

/**
 * M of x' = x M, of all and of skew-symmetric ones. In the basis in which X'X = diag(s) the least squares in the k (k - 1) /
 * 2 unknowns of the second come apart: m_ij = (c_ij - c_ji) / (s_i + s_j) with C = X'Y.
 */
const regress = (states: Matrix, velocities: Matrix): Regression => {
  const k = states.columns;
  const { values, right } = svd(states);
  const cross = product(product(states, right), velocities, { transposeA: true });
  const turned = product(cross, right);
  const own = matrix(k, k);
  const fullOwn = matrix(k, k);
  const least = 1e-20 * (values[0] ?? 0) ** 2;
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      const [si, sj] = [(values[i] ?? 0) ** 2, (values[j] ?? 0) ** 2];
      if (si > least) fullOwn.data[i * k + j] = turned.data[i * k + j]! / si;
      if (si + sj > least) own.data[i * k + j] = (turned.data[i * k + j]! - turned.data[j * k + i]!) / (si + sj);
    }
  }
  const back = (a: Matrix): Matrix => product(product(right, a), right, { transposeB: true });
  const [full, skew] = [back(fullOwn), back(own)];
  return { full, skew, r2Full: explained(states, velocities, full), r2Skew: explained(states, velocities, skew) };
};

/** Units less their mean over conditions at each time. */
const withoutMean = (conditions: readonly Matrix[]): readonly Matrix[] => {
  if (conditions.length < 2) return conditions;
  const mean = new Float64Array(conditions[0]!.data.length);
  for (const { data } of conditions) for (let k = 0; k < mean.length; k++) mean[k]! += data[k]! / conditions.length;
  return conditions.map(({ rows, columns, data }) =>
    matrix(
      rows,
      columns,
      data.map((value, k) => value - mean[k]!),
    ),
  );
};

/** States within each condition, and their central differences. */
const withVelocities = (conditions: readonly Matrix[], dt: number): readonly [Matrix, Matrix] => {
  const inner = conditions.map(({ rows, columns, data }) => {
    const states = matrix(rows - 2, columns, data.slice(columns, (rows - 1) * columns));
    const velocities = matrix(rows - 2, columns);
    for (let k = 0; k < velocities.data.length; k++) {
      velocities.data[k] = (data[k + 2 * columns]! - data[k]!) / (2 * dt);
    }
    return [states, velocities] as const;
  });
  return [stackRows(inner.map(([states]) => states)), stackRows(inner.map(([, velocities]) => velocities))];
};

/** An orthonormal pair in the plane of each two conjugate eigenvectors of a skew-symmetric M, fastest first. */
const planesOf = (
  skew: Matrix,
): readonly { readonly frequency: number; readonly pair: readonly [Float64Array, Float64Array] }[] => {
  const k = skew.rows;
  const { values, right } = eigen(skew);
  const order = Array.from(values.imaginary.keys())
    .filter((j) => values.imaginary[j]! > 0)
    .toSorted((a, b) => values.imaginary[b]! - values.imaginary[a]!);
  const taken: Float64Array[] = [];
  const orthonormal = (v: Float64Array): Float64Array => {
    for (let round = 0; round < 2; round++) {
      for (const other of taken) {
        let overlap = 0;
        for (let i = 0; i < k; i++) overlap += v[i]! * other[i]!;
        for (let i = 0; i < k; i++) v[i]! -= overlap * other[i]!;
      }
    }
    const size = Math.hypot(...v);
    const unit = v.map((value) => value / size);
    taken.push(unit);
    return unit;
  };
  return order.map((j) => {
    const part = (of: Matrix): Float64Array => Float64Array.from({ length: k }, (_, i) => of.data[i * k + j]!);
    const a = orthonormal(part(right.real));
    const b = orthonormal(part(right.imaginary));
    // x' = x M: from a towards b where a M b' is above 0.
    let turn = 0;
    for (let i = 0; i < k; i++) for (let l = 0; l < k; l++) turn += a[i]! * skew.data[i * k + l]! * b[l]!;
    return { frequency: Math.abs(turn), pair: turn >= 0 ? ([a, b] as const) : ([b, a] as const) };
  });
};

/** Each unit with its conditions in an order of its own. */
const shuffledConditions = (conditions: readonly Matrix[], draw: () => number): readonly Matrix[] => {
  const result = conditions.map(({ rows, columns }) => matrix(rows, columns));
  const order = Int32Array.from(conditions.keys());
  const units = conditions[0]?.columns ?? 0;
  for (let j = 0; j < units; j++) {
    for (let k = order.length - 1; k > 0; k--) {
      const other = Math.floor(draw() * (k + 1));
      [order[k], order[other]] = [order[other]!, order[k]!];
    }
    result.forEach((to, c) => {
      const from = conditions[order[c]!]!;
      for (let t = 0; t < to.rows; t++) to.data[t * units + j] = from.data[t * units + j]!;
    });
  }
  return result;
};

/**
 * Planes in which activity rotates (jPCA), from one `[time, unit]` for each condition: units softly normalised, less their
 * mean over conditions, on their first principal components; x' = x M by least squares with M' = -M, not by taking the
 * skew-symmetric part of the best M. Smooth activity rotates by chance too: the surrogates keep each unit's course and
 * break what units have in common, which takes three conditions or more. Cost: a regression of k unknowns for each
 * surrogate. Errors: conditions of other shapes, fewer than 4 frames, not finite. Source: Churchland et al. 2012; Lebedev et
 * al. 2019 for why surrogates.
 */
export const rotationalComponents = (
  conditions: readonly Matrix[],
  options: RotationalComponentsOptions = {},
): RotationalComponents => {
  const { dt = 1, surrogates = 100, seed = 1 } = options;
  const [first] = conditions;
  const [rows, units] = [first?.rows ?? 0, first?.columns ?? 0];
  const issues: Issue[] = [];
  if (!(rows >= 4 && units >= 2)) {
    issues.push({
      path: 'conditions',
      seen: `${conditions.length} of [${rows}, ${units}]`,
      expected: 'one or more of [time, unit], 4 frames and 2 units or more',
    });
  }
  conditions.forEach((each, k) => {
    if (each.rows !== rows || each.columns !== units || firstNonFinite(each.data) >= 0) {
      issues.push({
        path: `conditions[${k}]`,
        seen: `[${each.rows}, ${each.columns}]`,
        expected: `[time=${rows}, unit=${units}], finite numbers`,
      });
    }
  });
  if (!(dt > 0)) issues.push({ path: 'dt', seen: `${dt}`, expected: 'above 0' });
  refuse(issues);

  const all = stackRows(conditions);
  const [lowest, highest] = [new Float64Array(units).fill(Infinity), new Float64Array(units).fill(-Infinity)];
  for (let k = 0; k < all.data.length; k++) {
    lowest[k % units] = Math.min(lowest[k % units]!, all.data[k]!);
    highest[k % units] = Math.max(highest[k % units]!, all.data[k]!);
  }
  const ranges = highest.map((high, j) => high - lowest[j]!);
  const softening = options.softening ?? 0.1 * ranges.reduce((most, range) => Math.max(most, range), 0);
  const weights = ranges.map((range) =>
    softening === Infinity ? 1 : range + softening > 0 ? 1 / (range + softening) : 0,
  );
  const normalised = (a: Matrix): Matrix =>
    matrix(
      a.rows,
      units,
      a.data.map((value, k) => value * weights[k % units]!),
    );
  const count = Math.min(options.components ?? 6, units, conditions.length * rows - 1);

  const analyse = (of: readonly Matrix[]): Regression & { readonly basis: Matrix; readonly states: Matrix } => {
    const own = withoutMean(of.map(normalised));
    const { components, project } = principalComponents(stackRows(own), { count });
    const [states, velocities] = withVelocities(own.map(project), dt);
    return { ...regress(states, velocities), basis: components, states };
  };
  const found = analyse(conditions);
  const ratioOf = ({ r2Skew, r2Full }: Regression): number => (r2Full > 0 ? r2Skew / r2Full : 0);
  const ratio = ratioOf(found);
  let whole = 0;
  for (const value of found.states.data) whole += value * value;
  const planes = planesOf(found.skew).map(({ frequency, pair }): RotationPlane => {
    const own = matrix(count, 2);
    for (let i = 0; i < count; i++) own.data.set([pair[0][i]!, pair[1][i]!], 2 * i);
    const inPlane = product(found.states, own);
    return {
      frequency,
      directions: product(found.basis, own),
      variance: whole === 0 ? 0 : inPlane.data.reduce((sum, value) => sum + value * value, 0) / whole,
    };
  });
  const stream = randomStream(seed, 'rotational components');
  const ratios = Float64Array.from({ length: conditions.length < 3 ? 0 : surrogates }, (_, k) => {
    const generator = stream(k);
    return ratioOf(analyse(shuffledConditions(conditions, () => uniform(generator))));
  });
  const asLarge = ratios.reduce((sum, other) => sum + (other >= ratio ? 1 : 0), 0);
  return {
    planes,
    r2Full: found.r2Full,
    r2Skew: found.r2Skew,
    ratio,
    surrogate: ratios.length === 0 ? null : { ratios, probability: (1 + asLarge) / (1 + ratios.length) },
    full: found.full,
    skew: found.skew,
    project: (states) => {
      refuse(
        states.columns === units
          ? []
          : [{ path: 'states', seen: `${states.columns} units`, expected: `${units}, as the conditions` }],
      );
      const directions = matrix(units, 2 * planes.length);
      planes.forEach((plane, p) => {
        for (let i = 0; i < units; i++) {
          for (const c of [0, 1]) {
            directions.data[i * directions.columns + 2 * p + c] = plane.directions.data[i * 2 + c]!;
          }
        }
      });
      return product(normalised(states), directions);
    },
  };
};
