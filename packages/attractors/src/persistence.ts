import { failure, firstNonFinite } from '@drnn/tensor';
import { certify } from './certificate.js';
import { currentsOf } from './currents.js';
import { directEquations } from './equations.js';
import { factor, solve } from './lu.js';
import { type AttractorNetwork, holdInput } from './network.js';
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

/**
 * Whether a fixed point `state` of `network` persists in `other`, a fit of it for instance: Kantorovich's theorem with the
 * equations of `other` at the state, and the displacement to first order in the difference of weights and drives. Inputs
 * are held, at 0 unless given. Cost 4 N^3. Errors: those of the networks; another number of units; a state that is not
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
  const { h, radius, uniqueRadius } = certify(equations, state, newtonSpace(n));

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
