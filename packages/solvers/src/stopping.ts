import type { Iterate, Status } from './solver.js';

/** What a rule may ask of the driver. */
export interface StopContext {
  /**
   * An estimate of |H_j^-1 g_j| / |theta_j|, the largest over units, made by conjugate gradients when the solver does
   * not bring its own. It costs passes, so ask last; `target` lets the driver answer from the last estimate, scaled by
   * the residual, while that is still far above.
   */
  thetaErrorBound(target: number): Promise<number>;
  /** The residual below which the backend's precision says nothing; 0 in float64. */
  readonly noiseFloor: number;
  /** States in a row whose residual was at the noise floor; 0 in float64. */
  readonly statesAtFloor: number;
  /** Steps since the residual last halved. */
  readonly stepsSinceHalved: number;
  /** Steps since the residual last fell by a hundredth below its lowest, or the objective by 1e-10 of itself. */
  readonly stepsWithoutProgress: number;
}

/** Why to stop at a state, or undefined to go on. */
export type StopRule = (state: Iterate, context: StopContext) => Promise<Status | undefined> | Status | undefined;

/** The first rule that has a reason wins: a monoid with `never`. */
export const firstOf =
  (...rules: readonly StopRule[]): StopRule =>
  async (state, context) => {
    for (const rule of rules) {
      const status = await rule(state, context);
      if (status !== undefined) return status;
    }
    return undefined;
  };

/** The rule that never stops: the identity of `firstOf`. */
export const never: StopRule = () => undefined;

/**
 * Converged when the residual and the estimated relative error of theta are both at or below `tolerance`. A small
 * gradient alone proves little in a stiff problem. Default 1e-8.
 */
export const tolerance =
  (size = 1e-8): StopRule =>
  async (state, context) =>
    state.residual <= size && (await context.thetaErrorBound(size)) <= size ? 'converged' : undefined;

/** Stops after `count` steps. */
export const maxSteps =
  (count: number): StopRule =>
  (state) =>
    state.step >= count ? 'max-steps' : undefined;

/**
 * In mixed precision, so many states at the noise floor are the last: where the problem is stiff, a residual that says
 * nothing any more can hide weights that a further step or two still mend.
 */
export const lastAtFloor = 3;
/** Near the noise floor, a residual that has not halved in so many steps is held up by noise. */
const patienceAtFloor = 10;
const nearFloor = 10;

/**
 * Stops when no unit can lower its objective any more, or nothing has fallen for `patience` steps; in mixed precision
 * also at the third state in a row at the noise floor, and near it when the residual has not halved in 10 steps. The
 * driver calls it `precision-floor` there.
 */
export const stalled =
  (patience = 40): StopRule =>
  (state, context) =>
    state.exhausted === true ||
    context.stepsWithoutProgress >= patience ||
    context.statesAtFloor >= lastAtFloor ||
    (state.residual <= nearFloor * context.noiseFloor && context.stepsSinceHalved >= patienceAtFloor)
      ? 'stalled'
      : undefined;

/** The default of every solver here: 1e-8, at most 500 steps, or no more progress. */
export const defaultStop: StopRule = firstOf(tolerance(), maxSteps(500), stalled());
