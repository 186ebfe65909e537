/**
 * Transfer functions and all that a convex fit needs of them. For a nondecreasing phi with primitive Phi the matching
 * loss Phi(z) - d z is convex in z, with slope phi(z) - d and curvature phi'(z): the negative log-likelihood of an
 * exponential family with canonical link (Auer, Herbster & Warmuth 1996; McCullagh & Nelder 1989, section 2.2).
 */
import {
  add,
  atanh as inverseTanh,
  div,
  exp as exponential,
  expm1,
  type Expression,
  less,
  log,
  log2cosh,
  logistic as logisticOf,
  max,
  mul,
  negate,
  type Operand,
  softplus as softplusOf,
  softplusIntegral,
  square,
  sub,
  tanh as tanhOf,
  transferDifference,
  where,
} from '@drnn/tensor';
import { leastPositive } from './least-positive.js';

export interface Transfer {
  readonly name: string;
  /** The open range of phi: where targets must lie for `inverse` to exist. */
  readonly range: { readonly low: number; readonly high: number };
  /** phi(z), nondecreasing. */
  readonly transfer: (z: Operand) => Expression;
  /** Phi(z), whose derivative is phi; no constant added or dropped. */
  readonly primitive: (z: Operand) => Expression;
  /** phi^-1(d). */
  readonly inverse: (d: Operand) => Expression;
  /** Phi*(m) = max over z of m z - Phi(z): the linear continuation of a clipped loss is tau z - w Phi*(d + tau / w). */
  readonly conjugate: (m: Operand) => Expression;
  /** V(d) = phi'(phi^-1(d)), the variance function: 1 / V(d) is the weight that makes the curvature 1 at the target. */
  readonly variance: (d: Operand) => Expression;
  /** phi(z) - phi(y) without cancellation, for rows that hold y = phi^-1(d); null where subtraction is already exact. */
  readonly difference: (z: Operand, y: Operand) => Expression;
  /** The largest phi'; null where there is none. */
  readonly slopeBound: number | null;
  /** The Lipschitz constant of V over the range: with weight 1 / V and slopes clipped at tau, curvature <= 1 + tau times it. */
  readonly varianceLipschitz: number;
}

/** m log m, and 0 at 0. */
const xlogx = (m: Operand): Expression => {
  const positive = max(m, leastPositive);
  return mul(positive, log(positive));
};

/** tanh: the firing-rate network of CORNN. Phi = log 2cosh, V = 1 - d^2. */
export const tanh: Transfer = {
  name: 'tanh',
  range: { low: -1, high: 1 },
  transfer: tanhOf,
  primitive: log2cosh,
  inverse: inverseTanh,
  conjugate: (m) => {
    const [up, down] = [mul(0.5, add(1, m)), mul(0.5, sub(1, m))];
    return add(xlogx(up), xlogx(down));
  },
  variance: (d) => mul(sub(1, d), add(1, d)),
  difference: transferDifference,
  slopeBound: 1,
  varianceLipschitz: 2,
};

/** logistic: rates in (0, 1). Phi = softplus, V = d (1 - d). */
export const logistic: Transfer = {
  name: 'logistic',
  range: { low: 0, high: 1 },
  transfer: logisticOf,
  primitive: softplusOf,
  inverse: (d) => log(div(d, sub(1, d))),
  conjugate: (m) => add(xlogx(m), xlogx(sub(1, m))),
  variance: (d) => mul(d, sub(1, d)),
  difference: (z, y) => div(tanh.difference(div(z, 2), div(y, 2)), 2),
  slopeBound: 0.25,
  varianceLipschitz: 1,
};

/** log(e^d - 1), without overflow. */
const inverseSoftplus = (d: Operand): Expression => add(d, log(negate(expm1(negate(d)))));

/** softplus: smooth rectified rates. Phi = -Li2(-e^z), V = 1 - e^-d. */
export const softplus: Transfer = {
  name: 'softplus',
  range: { low: 0, high: Infinity },
  transfer: softplusOf,
  primitive: softplusIntegral,
  inverse: (d) => inverseSoftplus(d),
  conjugate: (m) => {
    const z = inverseSoftplus(max(m, leastPositive));
    return sub(mul(m, z), softplusIntegral(z));
  },
  variance: (d) => negate(expm1(negate(d))),
  difference: (z, y) => sub(softplusOf(z), softplusOf(y)),
  slopeBound: 1,
  varianceLipschitz: 1,
};

/** relu: rectified linear rates. Phi = max(z, 0)^2 / 2; V is 1 where d > 0. */
export const relu: Transfer = {
  name: 'relu',
  range: { low: 0, high: Infinity },
  transfer: (z) => max(z, 0),
  primitive: (z) => div(square(max(z, 0)), 2),
  inverse: (d) => where(less(0, d), d, NaN),
  conjugate: (m) => div(square(m), 2),
  variance: () => add(1, 0),
  difference: (z, y) => sub(max(z, 0), max(y, 0)),
  slopeBound: 1,
  varianceLipschitz: 0,
};

/** identity: linear networks, least squares. Phi = z^2 / 2, V = 1. */
export const identity: Transfer = {
  name: 'identity',
  range: { low: -Infinity, high: Infinity },
  transfer: (z) => add(z, 0),
  primitive: (z) => div(square(z), 2),
  inverse: (d) => add(d, 0),
  conjugate: (m) => div(square(m), 2),
  variance: () => add(1, 0),
  difference: (z, y) => sub(z, y),
  slopeBound: 1,
  varianceLipschitz: 0,
};

/** exp: Poisson regression. Phi = e^z, V = d. */
export const exp: Transfer = {
  name: 'exp',
  range: { low: 0, high: Infinity },
  transfer: exponential,
  primitive: exponential,
  inverse: log,
  conjugate: (m) => sub(xlogx(m), m),
  variance: (d) => add(d, 0),
  difference: (z, y) => mul(exponential(y), expm1(sub(z, y))),
  slopeBound: null,
  varianceLipschitz: 1,
};

/** All transfer functions by name. */
export const transfers = { tanh, logistic, softplus, relu, identity, exp } as const;
export type TransferName = keyof typeof transfers;
