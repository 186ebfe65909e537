import { matrix, refuse, type Issue, type Matrix } from '@drnn/tensor';
import { fillGaussian, randomStream, uniform } from './random.js';

/** A network and a state to start it from; spread it into the options of `simulate`. */
export interface Network {
  /** `[unit, unit]`, row = target. */
  readonly W: Matrix;
  /** `[unit, input]`; absent without inputs. */
  readonly Win?: Matrix;
  /** `[unit]` rates r[0]. `simulate` in the current form takes currents instead: pass `initial.map(Math.atanh)`. */
  readonly initial: Float64Array;
}

export interface RandomNetworkOptions {
  readonly units: number;
  /** Default 0. */
  readonly inputs?: number;
  /** g; default 3, the chaotic regime of the published experiments. */
  readonly gain?: number;
  /** Default 1. */
  readonly seed?: number;
}

const wholeNumber = (path: string, value: number, least: number): Issue[] =>
  Number.isSafeInteger(value) && value >= least
    ? []
    : [{ path, seen: `${value}`, expected: `a whole number, ${least} or more` }];

/**
 * A random network: W_ij ~ N(0, g^2 / N) with zero diagonal, Win_ij ~ N(0, g^2 / M), r[0] uniform on (-1, 1). Each row
 * and each array has its own stream, so W does not depend on the number of inputs. Throws a `DrnnError` that lists every
 * bad option. Source: specs cornn.md section 1.1.
 */
export const randomNetwork = ({ units, inputs = 0, gain = 3, seed = 1 }: RandomNetworkOptions): Network => {
  const issues = [...wholeNumber('units', units, 1), ...wholeNumber('inputs', inputs, 0)];
  if (!(gain >= 0 && gain < Number.POSITIVE_INFINITY)) {
    issues.push({ path: 'gain', seen: `${gain}`, expected: 'a finite number, 0 or more' });
  }
  if (!Number.isSafeInteger(seed)) issues.push({ path: 'seed', seen: `${seed}`, expected: 'a whole number' });
  refuse(issues);

  const gaussianRows = (name: string, columns: number): Matrix => {
    const stream = randomStream(seed, name);
    const result = matrix(units, columns);
    for (let i = 0; i < units; i++) {
      const row = result.data.subarray(i * columns, (i + 1) * columns);
      fillGaussian(stream(i), gain / Math.sqrt(columns), row);
    }
    return result;
  };
  const W = gaussianRows('W', units);
  for (let i = 0; i < units; i++) W.data[i * units + i] = 0;
  const initial = initialRates(units, seed);
  return inputs === 0 ? { W, initial } : { W, Win: gaussianRows('Win', inputs), initial };
};

/** `[unit]` independent uniform draws on (-1, 1). */
export const initialRates = (units: number, seed: number): Float64Array => {
  const generator = randomStream(seed, 'initial')(0);
  return Float64Array.from({ length: units }, () => 2 * uniform(generator) - 1);
};
