import { firstNonFinite, type Issue, type Matrix, matrix, refuse } from '@drnn/tensor';

/**
 * A tanh network, as it is analysed: in the rate form r[t+1] = (1-a) r[t] + a tanh(W r[t] + Win u + b), or in the current
 * form x[t+1] = (1-a) x[t] + a (W tanh(x[t]) + Win u + b). A model as `readModel` gives it is one.
 */
export interface AttractorNetwork {
  /** `[unit, unit]`, row = target. */
  readonly W: Matrix;
  /** dt/tau in (0, 1], of all units or of each `[unit]`. */
  readonly alpha: number | Float64Array;
  /** `[unit, input x lag]`; absent without inputs. */
  readonly Win?: Matrix;
  /** Frames by which inputs are late, a block of columns of `Win` for each. A held input is the same at every lag. */
  readonly inputLags?: ArrayLike<number>;
  /** `[unit]`; default 0. */
  readonly b?: Float64Array;
  /** Which state the leak acts on; default rate. */
  readonly form?: 'rate' | 'current';
}

/** A network whose input is held: r = tanh(W r + c) at its fixed points, c = Win u + b. */
export interface HeldNetwork {
  readonly units: number;
  /** `[unit, unit]`, row = target. */
  readonly W: Matrix;
  /** c, `[unit]`. */
  readonly drive: Float64Array;
  /** a, `[unit]`. */
  readonly alpha: Float64Array;
  /** Whether all units share one a, so that eigenvalues of the map are affine in those of D W. */
  readonly isUniform: boolean;
  /** `[unit, input]`: what a change of the held input does to c. */
  readonly Win: Matrix;
  /** u, `[input]`. */
  readonly input: Float64Array;
  readonly form: 'rate' | 'current';
  /** c = 0: the map is odd, and fixed points come in pairs r, -r with the origin. */
  readonly isOdd: boolean;
}

const finiteIssues = (path: string, values: ArrayLike<number> | undefined): Issue[] => {
  const at = values === undefined ? -1 : firstNonFinite(values);
  return at < 0 ? [] : [{ path, seen: `${values?.[at]} at entry ${at}`, expected: 'finite numbers' }];
};

const shapeOf = ({ rows, columns }: Matrix): string => `[${rows}, ${columns}]`;

/** Win summed over lags, `[unit, input]`. */
const overLags = (Win: Matrix, lags: number): Matrix => {
  const inputs = Win.columns / lags;
  const sum = matrix(Win.rows, inputs);
  for (let i = 0; i < Win.rows; i++) {
    for (let k = 0; k < Win.columns; k++) sum.data[i * inputs + (k % inputs)]! += Win.data[i * Win.columns + k]!;
  }
  return sum;
};

/**
 * Holds the input of a network at u `[input]`, by default at 0. Throws a `DrnnError` that lists every wrong shape, every
 * array that is not finite, an a outside (0, 1] and an input of another length.
 */
export const holdInput = (network: AttractorNetwork, input?: ArrayLike<number>): HeldNetwork => {
  const { W, form = 'rate' } = network;
  const units = W.rows;
  const Win = network.Win ?? matrix(units, 0);
  const lags = network.inputLags?.length ?? 1;
  const inputs = Win.columns / lags;
  const alpha = typeof network.alpha === 'number' ? new Float64Array(units).fill(network.alpha) : network.alpha;
  const wrongAlpha = alpha.findIndex((a) => !(a > 0 && a <= 1));
  refuse([
    ...(units >= 1 && W.columns === units
      ? []
      : [{ path: 'W', seen: shapeOf(W), expected: '[unit, unit], square, row = target' }]),
    ...finiteIssues('W', W.data),
    ...(Win.rows === units ? [] : [{ path: 'Win', seen: shapeOf(Win), expected: `[unit=${units}, input]` }]),
    ...finiteIssues('Win', Win.data),
    ...(lags >= 1 && Number.isInteger(inputs)
      ? []
      : [{ path: 'inputLags', seen: `${lags} lags for ${Win.columns} columns of Win`, expected: 'a block of each' }]),
    ...(network.b === undefined || network.b.length === units
      ? []
      : [{ path: 'b', seen: `[${network.b.length}]`, expected: `[unit=${units}]` }]),
    ...finiteIssues('b', network.b),
    ...(alpha.length === units
      ? []
      : [{ path: 'alpha', seen: `[${alpha.length}]`, expected: `a number or [unit=${units}]` }]),
    ...(wrongAlpha < 0
      ? []
      : [{ path: 'alpha', seen: `${alpha[wrongAlpha]} of unit ${wrongAlpha}`, expected: 'dt/tau, in (0, 1]' }]),
    ...(form === 'rate' || form === 'current'
      ? []
      : [{ path: 'form', seen: String(form), expected: 'rate or current' }]),
    ...(input === undefined || input.length === inputs
      ? []
      : [{ path: 'input', seen: `${input.length} numbers`, expected: `[input=${inputs}], one for each input` }]),
    ...finiteIssues('input', input),
  ]);
  const held = Float64Array.from(input ?? new Float64Array(inputs));
  const summed = overLags(Win, lags);
  const drive = Float64Array.from({ length: units }, (_, i) => {
    let c = network.b?.[i] ?? 0;
    for (let k = 0; k < inputs; k++) c += summed.data[i * inputs + k]! * held[k]!;
    return c;
  });
  return {
    units,
    W,
    drive,
    alpha,
    isUniform: alpha.every((a) => a === alpha[0]),
    Win: summed,
    input: held,
    form,
    isOdd: drive.every((c) => c === 0),
  };
};
