import { freePattern, type FreePattern, type Objective, ridgeOf, type Structure, structureOf } from '@drnn/objectives';
import {
  type Observations,
  sourceOfRecording,
  sourceOfTransitions,
  type Transitions,
  type TransitionSource,
} from '@drnn/simulator';
import {
  type Backend,
  constant,
  type Expression,
  isDeviceLost,
  lessEqual,
  magnitude,
  matrix,
  type Matrix,
  mul,
  type PassRequest,
  type Rows,
  type RowSource,
  substitute,
  variable,
  variablesOf,
  where,
} from '@drnn/tensor';
import { designOf } from './design.js';
import { projectOut } from './free.js';
import { type Metric, metricOf } from './metric.js';
import { measureNoiseFloor } from './noise-floor.js';
import { type Samples, samplesOf } from './samples.js';

/** Value and gradient of every unit's objective at one Theta. */
export interface Evaluation {
  /** [unit], ridge included. */
  readonly value: Float64Array;
  /** [predictor, unit], 0 at coordinates that are fixed. */
  readonly gradient: Matrix;
}

/** Sizes, by name. */
export interface ProblemShape {
  /** T, rows of the design. */
  readonly transitions: number;
  /** P = units + inputs + 1 if there is a bias. */
  readonly predictors: number;
  readonly units: number;
  readonly inputs: number;
  readonly bias: boolean;
}

/**
 * Fitting every unit of a network: minimise over Theta [predictor, unit], for each unit j,
 *
 *     F_j(theta) = sum_t loss(x_t . theta; d_tj, w_tj) + sum_p (lambda_p / 2) theta_p^2,
 *
 * some coordinates fixed at zero, and whatever `structure` adds. The units are independent and share X = [R | U | 1],
 * so that all of them are evaluated in one pass. Solvers see this and nothing else.
 */
export interface Problem {
  readonly on: Backend;
  readonly objective: Objective;
  readonly shape: ProblemShape;
  readonly free: FreePattern;
  /** What of the penalty and the constraints has no gradient; null where all is smooth. No part of `evaluate`. */
  readonly structure: Structure | null;
  /** lambda [predictor]: ridge times the number of transitions; 0 for the bias. */
  readonly ridge: Float64Array;
  /** c with c (X'X + Lambda) above every unit's Hessian everywhere, for this data; null where there is none. */
  readonly curvatureBound: number | null;
  /** How many targets the clip into the open range moved. */
  readonly targetsClipped: number;
  /** The rows on the backend; data only where the objective needs them. */
  readonly rows: { readonly design: Rows; readonly data: Readonly<Record<string, Rows>> };
  /** What it was made of. */
  readonly source: TransitionSource;
  /**
   * The same problem on another backend, to go on there, while this one's is open, its device lost or not. What hardly
   * depends on how rows are
   * rounded is taken over: samples, X'X (its sums are float64 anyway), the start, the sizes of the terms of objectives.
   * Gradients, their scale and the noise floor are the new backend's own. Cost of the rows alone.
   */
  movedTo(other: Backend): Promise<Problem>;
  /** Value and gradient at `theta`, in one pass. Cost 4 T P N flop. */
  evaluate(theta: Matrix): Promise<Evaluation>;
  /** The same without the constraints, at a `theta` that need not keep them: for methods that split them off. */
  evaluateUnconstrained(theta: Matrix): Promise<Evaluation>;
  /** H_j v_j for all units, at `theta`. Cost 6 T P N flop. */
  curvatureTimes(theta: Matrix, direction: Matrix): Promise<Matrix>;
  /** The second derivative of the loss of each sample at `theta`, kept as rows [transition, unit]. */
  curvatures(theta: Matrix): Promise<Rows>;
  /** X'X, made once. */
  gram(): Promise<Matrix>;
  /** X'X + Lambda, factored once on the free coordinates. */
  metric(): Promise<Metric>;
  /** Where solvers start: CORNN's fixed point A^-1 X' phi^-1(d), or zero where an inverted target is infinite. */
  start(): Promise<Matrix>;
  /** The size of each unit's gradient at Theta = 0 in the dual norm of the metric: the scale of residuals. */
  gradientScale(): Promise<Float64Array>;
  /**
   * The residual below which a pass on this backend says nothing, since rows and products are rounded: 0 in float64;
   * measured once in mixed precision (`measureNoiseFloor`), or where there is no point to measure at, the backend's
   * accuracy of products.
   */
  noiseFloor(): Promise<number>;
  /** The rounding error of each unit's objective, estimated from the sizes of its terms at the start. */
  rounding(): Promise<Float64Array>;
  /** Gives the rows back to the backend. */
  release(): void;
}

export interface ProblemOptions {
  /** A last predictor that is 1 everywhere: the bias b. Default true. */
  readonly bias?: boolean;
}

const sourceOf = (source: Observations | Transitions | TransitionSource): TransitionSource => {
  if (!('targets' in source)) return sourceOfRecording(source);
  return 'trialStarts' in source ? sourceOfTransitions(source) : source;
};

/**
 * Puts a fit on a backend: inverts the recording to targets, clips them into the open range, makes the weights, and
 * uploads the rows, piece by piece: of everything [transition, unit] only what the backend keeps is in memory, and of a
 * `TransitionSource` (`streamTransitions`) no more than that. Errors: everything `transitions` refuses; weights that are not finite; a mask, labels, signs or
 * bounds of another shape.
 */
export const problem = async (
  on: Backend,
  source: Observations | Transitions | TransitionSource,
  objective: Objective,
  options: ProblemOptions = {},
): Promise<Problem> => {
  const from = sourceOf(source);
  const bias = options.bias ?? true;
  const { units, inputs } = from;
  const shape: ProblemShape = {
    transitions: from.targets.rows,
    predictors: units + inputs + (bias ? 1 : 0),
    units,
    inputs,
    bias,
  };
  const free = freePattern(objective.constraints, units, inputs, bias);
  const structure = structureOf(objective, free, shape);
  const samples = await samplesOf(from, objective, on.host);
  return place(on, { from, objective, shape, samples, free, structure });
};

/** A problem before it is on a backend, and what is known of it from another one. */
interface Unplaced {
  readonly from: TransitionSource;
  readonly objective: Objective;
  readonly shape: ProblemShape;
  readonly samples: Samples;
  readonly free: FreePattern;
  readonly structure: Structure | null;
  readonly known?: Known;
}

/** Made once, where it is first asked for. */
interface Known {
  gram(): Promise<Matrix>;
  start(): Promise<Matrix>;
  /** The sum of the absolute terms of each unit's objective at the start. */
  termSizes(): Promise<Float64Array>;
}

const place = async (on: Backend, unplaced: Unplaced): Promise<Problem> => {
  const { from, objective, shape, samples, free, structure, known } = unplaced;
  const { units, bias } = shape;
  const ridge = new Float64Array(shape.predictors).fill(ridgeOf(objective.penalty) * shape.transitions);
  if (bias) ridge[shape.predictors - 1] = 0;
  const { loss, slope, exactSlope, curvature } = expressionsFor(on, objective, samples);

  // Made once: a backend knows an expression it has compiled by its identity.
  const alongDirection = mul(curvature, variable('v'));
  const design = await on.rows(designOf(from, bias), { copy: true });
  const data = await upload(on, samples, variablesOf(loss, slope, curvature));
  const pass = (theta: Matrix, more: Partial<PassRequest>) =>
    on.pass(design, { currents: { z: theta }, data, ...more });

  const evaluateUnconstrained = async (theta: Matrix): Promise<Evaluation> => {
    const { backProject, columnSums } = await pass(theta, { backProject: [slope], columnSums: [loss] });
    const [gradient, value] = [only(backProject), only(columnSums)];
    addRidgeTo(ridge, theta, gradient, value);
    return { value, gradient };
  };
  const evaluate = async (theta: Matrix): Promise<Evaluation> => {
    const at = await evaluateUnconstrained(theta);
    projectOut(free, at.gradient);
    return at;
  };
  const ownStart = async (): Promise<Matrix> => {
    const zero = matrix(shape.predictors, units);
    if (samples.inverted === null) return zero;
    const { inverted, weights } = samples;
    const right = await on.scope(async (inner) => {
      const y = data['y'] ?? (await inner.rows(inverted));
      const w = weights === null ? {} : { w: data['w'] ?? (await inner.rows(weights)) };
      const observed = weights === null ? variable('y') : where(lessEqual(variable('w'), 0), 0, variable('y'));
      return inner.pass(design, { currents: {}, data: { y, ...w }, backProject: [observed] });
    });
    return (await metric()).solve(only(right.backProject));
  };
  const ownTermSizes = async (): Promise<Float64Array> =>
    only((await pass(await start(), { columnSums: [magnitude(loss)] })).columnSums);
  const gram = once(orOwn(known?.gram, () => on.gram(design)));
  const start = once(orOwn(known?.start, ownStart));
  const termSizes = once(orOwn(known?.termSizes, ownTermSizes));
  const metric = once(async () => metricOf(on.host, await gram(), ridge, free));
  const gradientScale = once(async () => {
    // At Theta = 0 there is nothing to multiply, but data say how many units there are.
    const currents = Object.keys(data).length > 0 ? {} : { z: matrix(shape.predictors, units) };
    const { backProject } = await on.pass(design, { currents, data, backProject: [substitute(slope, { z: 0 })] });
    return (await metric()).dualNorm(only(backProject));
  });

  return {
    on,
    objective,
    shape,
    free,
    structure,
    ridge,
    curvatureBound: samples.curvatureBound,
    targetsClipped: samples.clipped,
    rows: { design, data },
    source: from,
    movedTo: (other) => place(other, { ...unplaced, known: { gram, start, termSizes } }),
    evaluate,
    evaluateUnconstrained,
    curvatureTimes: async (theta, direction) => {
      const { backProject } = await pass(theta, {
        currents: { z: theta, v: direction },
        backProject: [alongDirection],
      });
      const product = only(backProject);
      addRidge(ridge, direction, product);
      projectOut(free, product);
      return product;
    },
    curvatures: async (theta) => only((await pass(theta, { keep: [curvature] })).kept),
    gram,
    metric,
    start,
    gradientScale,
    noiseFloor: once(async () => {
      if (on.precision === 'float64') return 0;
      if (samples.inverted === null) return on.accuracy.product;
      const measured = await measureNoiseFloor({
        on,
        design: { rows: design, exact: designOf(from, bias) },
        data: hostedData(samples, variablesOf(slope, exactSlope)),
        slope: { rounded: slope, exact: exactSlope },
        theta: await start(),
        metric: await metric(),
        scale: await gradientScale(),
      });
      return Number.isFinite(measured) ? measured : on.accuracy.product;
    }),
    rounding: once(async () => (await termSizes()).map((size) => 4 * on.accuracy.product * size)),
    release: () => {
      design.release();
      for (const rows of Object.values(data)) rows.release();
    },
  };
};

/**
 * The expressions of an objective for these samples. In mixed precision slopes are formed from y, because 1 / (1 - d^2)
 * reaches 5e5 and tanh z - d cancels in float32; where some y is infinite they are formed from d.
 */
const expressionsFor = (on: Backend, objective: Objective, samples: Samples) => {
  const stable = on.precision === 'mixed' && samples.inverted !== null ? objective.slopeFromInverse : null;
  const weighted = (e: Expression): Expression => (samples.weights === null ? substitute(e, { w: constant(1) }) : e);
  return {
    loss: weighted(objective.loss),
    slope: weighted(stable ?? objective.slope),
    exactSlope: weighted(objective.slope),
    curvature: weighted(objective.curvature),
  };
};

const upload = async (
  on: Backend,
  samples: Samples,
  needed: readonly string[],
): Promise<Readonly<Record<string, Rows>>> => {
  const data: Record<string, Rows> = {};
  for (const [name, values] of Object.entries(hostedData(samples, needed)))
    data[name] = await on.rows(values, { copy: true });
  return data;
};

/** The samples that are needed, by the names they have in expressions. */
const hostedData = (samples: Samples, needed: readonly string[]): Readonly<Record<string, RowSource>> => {
  const hosted = { d: samples.targets, w: samples.weights, y: samples.inverted };
  const data: Record<string, RowSource> = {};
  for (const [name, values] of Object.entries(hosted)) {
    if (needed.includes(name) && values !== null) data[name] = values;
  }
  return data;
};

/** gradient + Lambda theta, in place. */
const addRidge = (ridge: Float64Array, theta: Matrix, gradient: Matrix): void => {
  const { rows, columns } = theta;
  for (let p = 0; p < rows; p++) {
    const lambda = ridge[p]!;
    for (let i = p * columns; i < (p + 1) * columns; i++) gradient.data[i]! += lambda * theta.data[i]!;
  }
};

/** gradient + Lambda theta, and value + theta' Lambda theta / 2 of every unit, both in place, in one sweep. */
const addRidgeTo = (ridge: Float64Array, { columns, data }: Matrix, gradient: Matrix, value: Float64Array): void => {
  const sums = gradient.data;
  for (let p = 0, row = 0; p < ridge.length; p++, row += columns) {
    const lambda = ridge[p]!;
    if (lambda === 0) continue;
    const half = lambda / 2;
    for (let j = 0; j < columns; j++) {
      const entry = data[row + j]!;
      sums[row + j]! += lambda * entry;
      value[j]! += half * (entry * entry);
    }
  }
};

const only = <Item>(items: readonly Item[]): Item => {
  const [item] = items;
  if (item === undefined) throw new Error('a pass returned less than it was asked for');
  return item;
};

/** What is known from another backend; made here where that has lost its device before it was asked. */
const orOwn = <Result>(
  known: (() => Promise<Result>) | undefined,
  own: () => Promise<Result>,
): (() => Promise<Result>) =>
  known === undefined
    ? own
    : () =>
        known().catch((error: unknown) => {
          if (isDeviceLost(error)) return own();
          throw error;
        });

/** A promise made at the first call and shared by all; a failure is forgotten, so that it can be tried again. */
const once = <Result>(make: () => Promise<Result>): (() => Promise<Result>) => {
  let made: Promise<Result> | null = null;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
};
