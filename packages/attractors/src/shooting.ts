import { gmres } from '@drnn/linalg';
import { type Matrix, matrix } from '@drnn/tensor';
import { dormandPrince } from './dormand-prince.js';
import type { Flow } from './flow.js';
import { factor, solve } from './lu.js';

/** Relative and absolute tolerance of integration. */
export interface Precision {
  readonly relative: number;
  readonly absolute: number;
}

const PRECISE: Precision = { relative: 1e-13, absolute: 1e-14 };
/** Of large systems, where each digit costs a third more. */
const PRECISE_ENOUGH: Precision = { relative: 1e-12, absolute: 1e-13 };
/** Up to so many dimensions rounding is the limit, and all multipliers are taken. */
export const ALL_UP_TO = 32;

export const preciseFor = (dimension: number): Precision => (dimension <= ALL_UP_TO ? PRECISE : PRECISE_ENOUGH);

/** Up to so many unknowns Newton's equations are a matrix; above they are solved by products, one orbit for each. */
const DENSE_UP_TO = 40;
const DENSE_SEGMENTS_UP_TO = 700;
/** Below this part of the tolerance a gap is rounding, as good as. */
const AT_THE_FLOOR = 1e-3;

/** Integrates x and `count` directions, rows that follow it in one array, through a time. */
export interface TangentFlow {
  /** x `[dimension]`, then `count` rows. */
  readonly y: Float64Array;
  /** Whether the end was reached. */
  run(time: number): boolean;
}

export const tangentFlow = (flow: Flow, count: number, precision = preciseFor(flow.dimension)): TangentFlow => {
  const n = flow.dimension;
  const length = n * (1 + count);
  const y = new Float64Array(length);
  const views = new Map<Float64Array, readonly [Float64Array, Float64Array]>();
  // The integrator hands in the same few arrays at every stage.
  const partsOf = (array: Float64Array): readonly [Float64Array, Float64Array] => {
    const known = views.get(array);
    if (known !== undefined) return known;
    const made = [array.subarray(0, n), array.subarray(n)] as const;
    views.set(array, made);
    return made;
  };
  const integrator = dormandPrince(
    (from, to) => {
      const [x, v] = partsOf(from);
      const [dx, dv] = partsOf(to);
      flow.velocity(x, dx);
      if (count > 0) flow.tangent(v, count, dv);
    },
    length,
    { state: n, ...precision },
  );
  return {
    y,
    run: (time) => {
      let rest = time;
      while (Math.abs(rest) > 1e-15 * Math.abs(time)) {
        if (flow.isCut?.() === true) return false;
        const taken = integrator.step(y, rest);
        if (taken === 0) return false;
        rest = taken === rest ? 0 : rest - taken;
      }
      return true;
    },
  };
};

/** A solution of Phi_T(x) = x. */
export interface ClosedOrbit {
  /** States after each m-th part of the period, `[segment, dimension]`. */
  readonly nodes: Matrix;
  readonly period: number;
  /** The largest gap between the end of a segment and the next node, in |x|. */
  readonly residual: number;
  /**
   * The length of Newton's last step, in all unknowns: how far the true orbit may be. Where a further one would cost many
   * orbits and gain rounding, what it would be in proportion to the gap.
   */
  readonly lastStep: number;
}

export interface ShootingOptions {
  /** Newton steps at most. Default 25. */
  readonly limit?: number;
  /** The gap that counts as closed, in |x|. */
  readonly tolerance: number;
}

/**
 * Newton's method on Phi_{T/m}(x_k) = x_{k+1}, x_m = x_0, with the phase held by f(x_0)'dx_0 = 0: single shooting for one
 * node, multiple shooting for more, which an orbit needs along which neighbours part by many orders. Steps are halved
 * while the gap does not fall, at most eight times. Null where it does not converge or the period leaves [T/2, 2T].
 * Cost of a step: the variational equation, 2 n^3 a stage of the integrator; with one node and more than 40 dimensions
 * GMRES, some 15 orbits of 4 n^2 a stage. Sources: Keller 1968; Stoer and Bulirsch, section 7.3.5.
 */
export const shoot = (flow: Flow, guess: Matrix, period: number, options: ShootingOptions): ClosedOrbit | null => {
  const { columns: n, rows: m } = guess;
  const { limit = 25, tolerance } = options;
  const unknowns = n * m + 1;
  const isDense = m > 1 || n <= DENSE_UP_TO;
  if (isDense && unknowns > DENSE_SEGMENTS_UP_TO && m > 1) return null;
  const plain = tangentFlow(flow, 0);
  // A direction that GMRES solves to 1e-6 needs no more.
  const varied = isDense ? tangentFlow(flow, n) : tangentFlow(flow, 1, { relative: 1e-9, absolute: 1e-11 });
  const f0 = new Float64Array(n);
  const ends = matrix(m, n);
  const endSpeeds = matrix(m, n);
  const speed = new Float64Array(n);

  /** Gaps x_end - x_next into `gap`; their largest length, or infinity. */
  const gapsOf = (nodes: Matrix, time: number, gap: Float64Array): number => {
    let largest = 0;
    for (let k = 0; k < m; k++) {
      plain.y.set(nodes.data.subarray(k * n, (k + 1) * n));
      if (!plain.run(time / m)) return Infinity;
      ends.data.set(plain.y, k * n);
      flow.velocity(plain.y, speed);
      endSpeeds.data.set(speed, k * n);
      const next = ((k + 1) % m) * n;
      let size = 0;
      for (let i = 0; i < n; i++) {
        const difference = plain.y[i]! - nodes.data[next + i]!;
        gap[k * n + i] = difference;
        size += difference * difference;
      }
      largest = Math.max(largest, Math.sqrt(size));
    }
    return Number.isNaN(largest) ? Infinity : largest;
  };

  const jacobian = isDense ? new Float64Array(unknowns * unknowns) : null;
  const pivots = new Int32Array(unknowns);
  /** p <- the Newton step of the gaps in p, or false. */
  const newtonStep = (nodes: Matrix, time: number, p: Float64Array): boolean => {
    flow.velocity(nodes.data.subarray(0, n), f0);
    if (jacobian === null) return byProducts(nodes, time, p);
    jacobian.fill(0);
    for (let k = 0; k < m; k++) {
      varied.y.fill(0);
      varied.y.set(nodes.data.subarray(k * n, (k + 1) * n));
      for (let d = 0; d < n; d++) varied.y[n + d * n + d] = 1;
      if (!varied.run(time / m)) return false;
      const next = ((k + 1) % m) * n;
      for (let i = 0; i < n; i++) {
        const row = (k * n + i) * unknowns;
        // Row d of the directions is column d of Phi.
        for (let d = 0; d < n; d++) jacobian[row + k * n + d] = varied.y[n + d * n + i]!;
        jacobian[row + next + i]! -= 1;
        jacobian[row + unknowns - 1] = endSpeeds.data[k * n + i]! / m;
      }
    }
    for (let i = 0; i < n; i++) jacobian[(unknowns - 1) * unknowns + i] = f0[i]!;
    if (factor(jacobian, unknowns, pivots) === 0) return false;
    solve(jacobian, unknowns, pivots, p);
    return true;
  };
  const byProducts = (nodes: Matrix, time: number, p: Float64Array): boolean => {
    let isWhole = true;
    const { solution, residual } = gmres(
      (v, out) => {
        varied.y.set(nodes.data);
        varied.y.set(v.subarray(0, n), n);
        isWhole &&= varied.run(time);
        let phase = 0;
        for (let i = 0; i < n; i++) {
          out[i] = varied.y[n + i]! - v[i]! + endSpeeds.data[i]! * v[n]!;
          phase += f0[i]! * v[i]!;
        }
        out[n] = phase;
      },
      p,
      { tolerance: 1e-6, restart: 60, maxSteps: 120 },
    );
    p.set(solution);
    return isWhole && residual < 0.1;
  };

  let nodes = { ...guess, data: guess.data.slice() };
  let time = period;
  let p = new Float64Array(unknowns);
  let size = gapsOf(nodes, time, p);
  let lastStep = Infinity;
  let isPolished = false;
  for (let step = 0; step < limit && Number.isFinite(size); step++) {
    p[unknowns - 1] = 0;
    if (!newtonStep(nodes, time, p)) return null;
    const length = Math.sqrt(p.reduce((sum, value) => sum + value * value, 0));
    let isBetter = false;
    for (let halving = 0; halving < 8 && !isBetter; halving++) {
      const part = 0.5 ** halving;
      const trial = { ...nodes, data: nodes.data.map((value, i) => value - part * p[i]!) };
      const trialTime = time - part * p[unknowns - 1]!;
      if (!(trialTime > period / 2 && trialTime < 2 * period)) continue;
      const gap = new Float64Array(unknowns);
      const trialSize = gapsOf(trial, trialTime, gap);
      if (trialSize < size * (1 - 0.25 * part)) {
        isBetter = true;
        lastStep = part * length;
        if (!isDense && trialSize <= AT_THE_FLOOR * tolerance) {
          lastStep *= trialSize / size;
          isPolished = true;
        }
        nodes = trial;
        time = trialTime;
        size = trialSize;
        p = gap;
      }
      if (size <= tolerance) break;
    }
    if (!isBetter) {
      // At the floor of rounding the gap falls no more.
      if (size > tolerance) return null;
      lastStep = Math.min(lastStep, length);
      isPolished = true;
    }
    if (isPolished) break;
  }
  return size <= tolerance ? { nodes, period: time, residual: size, lastStep } : null;
};
