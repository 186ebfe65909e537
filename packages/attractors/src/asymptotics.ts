import { failure, firstNonFinite } from '@drnn/tensor';
import type { Budget } from './budget.js';
import { certify } from './certificate.js';
import { type Cycle, cycleAt } from './cycle.js';
import { directEquations } from './equations.js';
import type { IteratedMap } from './iterated-map.js';
import { lyapunovSpectrum, type LyapunovSpectrum } from './lyapunov-spectrum.js';
import { type AttractorNetwork, type HeldNetwork, holdInput } from './network.js';
import { networkMap, ratesOf, stateOf } from './network-dynamics.js';
import { cappedNewton, CONVERGED, directSolve, newtonSpace } from './newton.js';
import { spectralNormBound } from './spectral-norm.js';
import { zeroOneTest } from './zero-one-test.js';

/** What the orbit of a state ends in. */
export type Asymptotics =
  | {
      readonly kind: 'fixed-point';
      /** Rates `[unit]`. */
      readonly state: Float64Array;
      /** Kantorovich's bound on the distance of a true root; infinite where it is degenerate, and nothing is proven. */
      readonly certificateRadius: number;
      readonly steps: number;
    }
  | {
      readonly kind: 'slow-region';
      /** Rates where it was last. */
      readonly state: Float64Array;
      /** |G| / sqrt N there: how far a unit moves in a time constant. */
      readonly speed: number;
      readonly steps: number;
    }
  | { readonly kind: 'cycle'; readonly cycle: Cycle; readonly steps: number }
  | {
      /** Regular, with two exponents of 0 or more of them: as many independent phases. */
      readonly kind: 'torus';
      readonly phases: number;
      readonly spectrum: LyapunovSpectrum;
      readonly steps: number;
    }
  | {
      /** A positive exponent, and the 0-1 test near 1. */
      readonly kind: 'chaos';
      readonly spectrum: LyapunovSpectrum;
      readonly zeroOne: number;
      readonly steps: number;
    }
  | {
      readonly kind: 'unresolved';
      /** What is known, and why it is not enough. */
      readonly reason: string;
      readonly spectrum: LyapunovSpectrum | null;
      readonly steps: number;
    };

export interface AsymptoticsOptions {
  /** u `[input]`, held. Default 0. */
  readonly input?: ArrayLike<number>;
  /** Most steps of the run before exponents are taken. Default 40 000 and 2000 time constants, whichever is more. */
  readonly limit?: number;
  /** Steps over which exponents are taken, where they are needed. Default 20 000 and 1000 time constants, whichever is more. */
  readonly length?: number;
  /** Time constants in which a slow region is left by less than a tenth, as in `fixedPoints`. Default 50. */
  readonly trial?: number;
}

/** Speed, |G| / sqrt N, of a state that has arrived. */
const ARRIVED = 1e-9;
const FIRST_RUN = 1000;

/** Runs x, in place, for `steps`. */
const follow = (map: IteratedMap, x: Float64Array, next: Float64Array, steps: number): void => {
  for (let t = 0; t < steps && map.isCut?.() !== true; t++) {
    map.image(x, next, t);
    x.set(next);
  }
};

/** How one attempt at the end of an orbit went. */
type Settled = Extract<Asymptotics, { kind: 'fixed-point' | 'cycle' }>;

export interface Settling {
  /** The map, and the state in its own variables, which moves. */
  readonly map: IteratedMap;
  /**
   * Runs a state, in place, until it is at a fixed point or on a cycle, or for `limit` steps and null. `isKnown` may end
   * it after each of some runs, ever longer. Null too where `budget` is over.
   */
  settle(x: Float64Array, limit: number, isKnown?: (rates: Float64Array) => boolean): Settled | 'known' | null;
  /** |G| / sqrt N of rates. */
  speed(rates: Float64Array): number;
}

export const settling = (held: HeldNetwork, budget?: Budget): Settling => {
  const n = held.units;
  const map = networkMap(held, { budget });
  const equations = directEquations({ ...held, form: 'rate' }, spectralNormBound(held.W));
  const space = newtonSpace(n);
  const next = new Float64Array(n);
  const speed = (rates: Float64Array): number => equations.residual(rates, space.g) / Math.sqrt(n);

  /** The root that rates have come to, or the rates themselves where J is singular. */
  const fixedPointAt = (rates: Float64Array, steps: number): Settled => {
    const root = rates.slice();
    const end = cappedNewton(equations, root, space, {
      limit: 10,
      cap: 1e-3 * Math.sqrt(n),
      tolerance: 1e-12 * Math.sqrt(n),
      linearSolve: directSolve(space),
      attraction: () => -1,
    });
    const isNear = end === CONVERGED && root.every((value, i) => Math.abs(value - rates[i]!) < 1e-6);
    const state = isNear ? root : rates;
    return { kind: 'fixed-point', state, certificateRadius: certify(equations, state, space).radius, steps };
  };

  return {
    map,
    speed,
    settle: (x, limit, isKnown) => {
      let taken = 0;
      for (let run = FIRST_RUN; taken < limit; run *= 4) {
        const steps = Math.min(run, limit - taken);
        follow(map, x, next, steps);
        if (map.isCut?.() === true) return null;
        taken += steps;
        const rates = ratesOf(held, x);
        if (speed(rates) <= ARRIVED) return fixedPointAt(rates, taken);
        if (isKnown?.(rates) === true) return 'known';
        const cycle = cycleAt(held, map, x, budget);
        if (cycle !== null) return { kind: 'cycle', cycle, steps: taken };
      }
      return null;
    },
  };
};

/** Steps that a run is given: 2000 time constants of the slowest unit, and 40 000 at least. */
export const defaultLimit = ({ alpha }: HeldNetwork): number =>
  Math.max(40_000, Math.ceil(2000 / alpha.reduce((least, a) => Math.min(least, a), 1)));

/**
 * What a network does in the end from rates `[unit]`, its input held: it is run, and after 1000 steps, 4000 more and so on
 * asked whether it is at a fixed point (and which: certified), or on a cycle that closes. What is neither is told by its
 * Lyapunov exponents: two of 0 are a torus; a positive one, which the 0-1 test must confirm, is chaos; a state that
 * barely moves is in a slow region. All else is `unresolved`, and says why. Nothing is called by a name that was not
 * checked on the orbit itself.
 *
 * Cost: 2 N^2 a step; four exponents where they are needed. Errors: those of the network; a start that
 * is not `[unit]` or not finite.
 */
export const asymptotics = (
  network: AttractorNetwork,
  start: Float64Array,
  options: AsymptoticsOptions = {},
): Asymptotics => {
  const held = holdInput(network, options.input);
  const n = held.units;
  if (start.length !== n || firstNonFinite(start) >= 0) {
    throw failure({ path: 'start', seen: `[${start.length}]`, expected: `[unit=${n}], finite numbers` });
  }
  const x = stateOf(held, start);
  const { map, settle, speed } = settling(held);
  const limit = options.limit ?? defaultLimit(held);
  const settled = settle(x, limit);
  if (settled !== null && settled !== 'known') return settled;
  const rates = ratesOf(held, x);
  const late = speed(rates);
  if (late * (options.trial ?? 50) < 0.1) return { kind: 'slow-region', state: rates, speed: late, steps: limit };
  return byExponents(held, map, x, limit, options.length);
};

const byExponents = (
  held: HeldNetwork,
  map: IteratedMap,
  x: Float64Array,
  steps: number,
  wanted: number | undefined,
): Asymptotics => {
  const n = held.units;
  const slowest = 1 / held.alpha.reduce((least, a) => Math.min(least, a), 1);
  const length = wanted ?? Math.max(20_000, 1000 * slowest);
  const spectrum = lyapunovSpectrum(map, x, { count: Math.min(n, 4), length });
  const { positive, zero, isRegular } = spectrum;
  const unresolved = (reason: string): Asymptotics => ({ kind: 'unresolved', reason, spectrum, steps });
  const series = new Float64Array(Math.min(2 * length, Math.ceil(4000 * slowest)));
  const state = spectrum.state.slice();
  const next = new Float64Array(n);
  for (let t = 0; t < series.length; t++) {
    map.image(state, next, t);
    state.set(next);
    for (let i = 0; i < n; i++) series[t]! += Math.sin(1 + 2.4 * i) * state[i]!;
  }
  const zeroOne = zeroOneTest(series);
  if (positive > 0) {
    if (zeroOne > 0.5) return { kind: 'chaos', spectrum, zeroOne, steps };
    return unresolved(`the largest exponent is positive, but the 0-1 test says regular (${zeroOne.toFixed(2)})`);
  }
  if (zero >= 2) {
    if (zeroOne < 0.5) return { kind: 'torus', phases: zero, spectrum, steps };
    return unresolved(
      `${zero} exponents are 0 within their errors, but the 0-1 test says chaos (${zeroOne.toFixed(2)})`,
    );
  }
  if (zero === 1) {
    return unresolved(`one exponent is 0${isRegular ? '' : ' within its error'}, but no closed curve was found`);
  }
  return unresolved('all exponents are negative, but the network was not at rest in the time given');
};
