import {
  clamp,
  derivative,
  type Expression,
  type Issue,
  mul,
  type Operand,
  pointwise,
  refuse,
  variablesOf,
} from '@drnn/tensor';
import { certifySlope, type Certificate, type Domain } from './certify.js';
import { clipped, matchingLoss, type PointwiseLoss } from './clip.js';
import { type Constraints, constraintIssues } from './constraints.js';
import { allOf, namesRidge, type Penalty, penaltyIssues, ridge } from './penalty.js';
import { type Transfer, transfers } from './transfer.js';
import { type Weights, weightIssues, weightsOf, type WeightsOption } from './weights.js';

/**
 * A convex objective as a value: for each unit j
 *
 *     F_j(theta) = sum over t of loss(z_tj; d_tj, w_tj) + penalty(theta_j),   z = X Theta,
 *
 * with weights from data only, a slope that may be clipped, and coordinates that may be fixed at zero.
 */
export interface Objective extends PointwiseLoss {
  readonly name: string;
  /** The same slope from y = phi^-1(d) without cancellation, for float32 rows; null where there is none. */
  readonly slopeFromInverse: Expression | null;
  /** phi^-1(d) as an expression in `d`; null where the loss has none, and the start is then zero. */
  readonly inverse: Expression | null;
  /** The transfer function the loss matches; null for a loss of one's own without one. */
  readonly transfer: Transfer | null;
  readonly weights: Weights;
  /** The bound on the weighted slope, or null for none. */
  readonly clip: number | null;
  readonly penalty: Penalty;
  readonly constraints: Constraints;
  /**
   * The margin by which targets are kept inside the range, as a fraction of half its width (itself, where the range has
   * one end); null to leave them. phi^-1 is infinite at the ends of the range.
   */
  readonly targetClip: number | null;
  /** Sup of the curvature for weight 1 and no clip; null where there is none or it is not known. */
  readonly slopeBound: number | null;
  /** Where d and w may lie: what `certify` proves convexity over. */
  readonly domain: Domain;
}

/** The options that every objective shares. */
export interface ObjectiveOptions {
  /** Default `none` in the library; see `Weights`. */
  readonly weights?: WeightsOption;
  /** The bound tau on the weighted slope, or null (default) for none. */
  readonly clip?: number | null;
  /**
   * The strength of the ridge, per transition. Default 1e-5: enough to make X'X well-posed, little bias; 0 beside a
   * `penalty` that says itself how much ridge there is.
   */
  readonly ridge?: number;
  /** Any penalty, added to the ridge. */
  readonly penalty?: Penalty;
  /** Default: no self-connections. */
  readonly constraints?: Constraints;
  /**
   * Default 1e-6 where the range has an end: phi^-1 of tanh stays below 7.3, and 1 / (1 - d^2) below 5.1e5. Beyond an
   * end of the range Phi(z) - d z has no minimum.
   */
  readonly targetClip?: number | null;
}

/** A loss of one's own, in z, d and w: `({ z, d, w }) => mul(w, sub(softplus(z), mul(d, z)))`. */
export interface OwnObjectiveOptions extends ObjectiveOptions {
  readonly name?: string;
  readonly loss: (variables: { readonly z: Expression; readonly d: Expression; readonly w: Expression }) => Operand;
  /** The transfer function of the network, if the loss matches one: gives the start, the weights and the clip. */
  readonly transfer?: Transfer;
  /** Sup of the second derivative by z for w = 1, if there is one: what shared-metric solvers need. */
  readonly slopeBound?: number;
  /** Where d and w may lie. Default: the range of `transfer`, or all numbers; w >= 0. */
  readonly domain?: Domain;
}

const build = (
  name: string,
  inner: PointwiseLoss,
  transfer: Transfer | null,
  options: ObjectiveOptions,
  extra: { readonly slopeBound: number | null; readonly domain?: Domain; readonly matching: boolean },
): Objective => {
  const weights = weightsOf(options.weights ?? 'none');
  const clip = options.clip ?? null;
  const penalty = penaltyOf(options);
  const constraints = options.constraints ?? { zeroDiagonal: true };
  const bounded = transfer !== null && (Number.isFinite(transfer.range.low) || Number.isFinite(transfer.range.high));
  const targetClip = options.targetClip === undefined ? (bounded ? 1e-6 : null) : options.targetClip;
  refuse([
    ...objectiveIssues(clip, targetClip, transfer, weights, extra.matching),
    ...weightIssues(weights),
    ...penaltyIssues(penalty),
    ...constraintIssues(constraints),
  ]);
  const whole = clip === null || transfer === null ? inner : clipped(inner, clip, transfer);
  return {
    name,
    ...whole,
    slopeFromInverse: transfer === null || !extra.matching ? null : slopeFromInverse(transfer, clip),
    inverse: transfer === null ? null : pointwise(({ d }) => transfer.inverse(d)),
    transfer,
    weights,
    clip,
    penalty,
    constraints,
    targetClip,
    slopeBound: extra.slopeBound,
    domain: extra.domain ?? {
      d: transfer === null ? { low: -Infinity, high: Infinity } : transfer.range,
      w: { low: 0, high: Infinity },
    },
  };
};

/** The ridge, which is the smooth part of every fit, and whatever was asked for beside it. */
const penaltyOf = ({ ridge: strength, penalty }: ObjectiveOptions): Penalty => {
  if (penalty === undefined) return ridge(strength ?? 1e-5);
  if (strength === undefined && namesRidge(penalty)) return penalty;
  return allOf(ridge(strength ?? 1e-5), penalty);
};

const slopeFromInverse = (transfer: Transfer, clip: number | null): Expression =>
  pointwise(({ z, y, w }) => {
    const slope = mul(w, transfer.difference(z, y));
    return clip === null ? slope : clamp(slope, -clip, clip);
  });

const objectiveIssues = (
  clip: number | null,
  targetClip: number | null,
  transfer: Transfer | null,
  weights: Weights,
  matching: boolean,
): readonly Issue[] => {
  const issues: Issue[] = [];
  if (clip !== null && !(clip > 0 && Number.isFinite(clip))) {
    issues.push({ path: 'clip', seen: `${clip}`, expected: 'a finite number above 0, or null' });
  }
  if (clip !== null && !matching) {
    issues.push({
      path: 'clip',
      seen: 'a clip on a loss of your own',
      expected: 'a matching loss, whose conjugate continues the value linearly',
      hint: 'write the clipped loss itself, with `where`',
    });
  }
  if (targetClip !== null && !(targetClip > 0 && targetClip < 1)) {
    issues.push({ path: 'targetClip', seen: `${targetClip}`, expected: 'a number between 0 and 1, or null' });
  }
  if (transfer === null && weights.kind !== 'none' && weights.kind !== 'explicit') {
    issues.push({
      path: 'weights',
      seen: `${weights.kind} for a loss without a transfer function`,
      expected: 'a transfer function, whose variance the weights are made of',
      hint: 'give `transfer`, or explicit weights',
    });
  }
  return issues;
};

/** The matching loss of a transfer function, as an objective. */
export const matching = (transfer: Transfer, options: ObjectiveOptions = {}): Objective =>
  build(`matching loss of ${transfer.name}`, matchingLoss(transfer), transfer, options, {
    slopeBound: transfer.slopeBound,
    matching: true,
  });

/** CORNN's cross-entropy, w (log 2cosh z - d z): the matching loss of tanh. */
export const crossEntropy = (options: ObjectiveOptions = {}): Objective => ({
  ...matching(transfers.tanh, options),
  name: 'cross-entropy',
});

/** Least squares on the currents of a linear network, w (z^2 / 2 - d z). */
export const leastSquares = (options: ObjectiveOptions = {}): Objective => ({
  ...matching(transfers.identity, options),
  name: 'least-squares',
});

/** Poisson regression, w (e^z - d z). */
export const poisson = (options: ObjectiveOptions = {}): Objective => ({
  ...matching(transfers.exp, options),
  name: 'poisson',
});

/** An objective from a loss of one's own; slope and curvature are its symbolic derivatives by z. */
export const objective = (options: OwnObjectiveOptions): Objective => {
  const loss = pointwise<'z' | 'd' | 'w'>(options.loss);
  refuse(
    variablesOf(loss)
      .filter((name) => name !== 'z' && name !== 'd' && name !== 'w')
      .map((name) => ({ path: 'loss', seen: `the variable ${name}`, expected: 'the variables z, d and w only' })),
  );
  const slope = derivative(loss, 'z');
  return build(
    options.name ?? 'own',
    { loss, slope, curvature: derivative(slope, 'z') },
    options.transfer ?? null,
    options,
    {
      slopeBound: options.slopeBound ?? null,
      matching: false,
      ...(options.domain === undefined ? {} : { domain: options.domain }),
    },
  );
};

/**
 * Proves that the slope is nondecreasing in z for every target and weight of the domain and all z, or gives a witness
 * to the contrary, or says that it could not decide. The penalty and the constraints are convex by construction.
 */
export const certify = (of: Objective): Certificate => certifySlope(of.slope, { domain: of.domain });
