import { singularValues } from '@drnn/linalg';
import { failure, firstNonFinite, matrix } from '@drnn/tensor';
import { certify } from './certificate.js';
import { currentsOf } from './currents.js';
import { directEquations } from './equations.js';
import { factor, solve } from './lu.js';
import { type AttractorNetwork, type HeldNetwork, holdInput } from './network.js';
import { newtonSpace } from './newton.js';
import { spectralNormBound } from './spectral-norm.js';

/** What becomes of a fixed point of one network in another. */
export interface Persistence {
  /** h <= 1/2: the other network is proven to have a fixed point within `radius`, and no other within `uniqueRadius`. */
  readonly isProven: boolean;
  readonly h: number;
  /** Infinity where nothing is proven. */
  readonly radius: number;
  readonly uniqueRadius: number;
  /** To first order, where it moves: (I - D W)^-1 D (dW r* + dc) `[unit]`. */
  readonly displacement: Float64Array;
}

type Proof = Pick<Persistence, 'h' | 'radius' | 'uniqueRadius'>;

/** Up to here two sets of singular values, 8/3 N^3 each, are worth a proof. */
const SHARP_UP_TO = 300;

/**
 * Kantorovich's theorem with |J^-1| and |W| from singular values. The bounds of `certify` cost less and are loose by up to
 * sqrt N, which a search can afford: its points are as near to a root as rounding lets them.
 */
const sharpProof = (held: HeldNetwork, state: Float64Array): Proof => {
  const n = held.units;
  const lowered = 10 * n * Number.EPSILON;
  const equations = directEquations(held, (singularValues(held.W)[0] ?? 0) * (1 + lowered));
  const { g, jacobian, pivots } = newtonSpace(n);
  equations.residual(state, g);
  equations.jacobian(jacobian);
  const values = singularValues(matrix(n, n, jacobian.slice()));
  const smallest = (values[n - 1] ?? 0) - lowered * (values[0] ?? 0);
  if (!(smallest > 0) || factor(jacobian, n, pivots) === 0) return { h: Infinity, radius: Infinity, uniqueRadius: 0 };
  solve(jacobian, n, pivots, g);
  const eta = Math.hypot(...g) + equations.rounding / smallest;
  const scale = equations.lipschitz / smallest;
  const h = scale * eta;
  if (!(h <= 0.5)) return { h, radius: Infinity, uniqueRadius: 0 };
  const root = Math.sqrt(1 - 2 * h);
  return { h, radius: (2 * eta) / (1 + root), uniqueRadius: scale > 0 ? (1 + root) / scale : Infinity };
};

/**
 * Whether a fixed point `state` of `network` persists in `other`, a fit of it for instance: Kantorovich's theorem with the
 * equations of `other` at the state, and the displacement to first order in the difference of weights and drives. Inputs
 * are held, at 0 unless given. Where the cheap bounds prove nothing, and N is at most 300, sharper ones are tried. Cost 4 N^3,
 * or 10 N^3. Errors: those of the networks; another number of units; a state that is not
 * `[unit]`.
 */
export const persistence = (
  network: AttractorNetwork,
  other: AttractorNetwork,
  state: Float64Array,
  options: { readonly input?: ArrayLike<number>; readonly otherInput?: ArrayLike<number> } = {},
): Persistence => {
  const from = holdInput(network, options.input);
  const to = holdInput(other, options.otherInput ?? options.input);
  const n = from.units;
  if (to.units !== n) throw failure({ path: 'other', seen: `${to.units} units`, expected: `${n}, as the network` });
  if (state.length !== n || firstNonFinite(state) >= 0) {
    throw failure({ path: 'state', seen: `[${state.length}]`, expected: `[unit=${n}], finite numbers` });
  }
  const equations = directEquations(to, spectralNormBound(to.W));
  const cheap: Proof = certify(equations, state, newtonSpace(n));
  const { h, radius, uniqueRadius } = cheap.h <= 0.5 || n > SHARP_UP_TO ? cheap : sharpProof(to, state);

  const own = directEquations(from, 1);
  const space = newtonSpace(n);
  own.residual(state, space.g);
  own.jacobian(space.jacobian);
  const z = new Float64Array(n);
  const displacement = new Float64Array(n);
  currentsOf(from.W.data, n, n, state, from.drive, z);
  currentsOf(to.W.data, n, n, state, to.drive, displacement);
  for (let i = 0; i < n; i++) displacement[i] = (displacement[i]! - z[i]!) / Math.cosh(z[i]!) ** 2;
  if (factor(space.jacobian, n, space.pivots) === 0) displacement.fill(Infinity);
  else solve(space.jacobian, n, space.pivots, displacement);
  return { isProven: h <= 0.5, h, radius, uniqueRadius, displacement };
};
