import { matrix, type Matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillMissing, type FillingNetwork } from './fill-missing.js';
import { randomNetwork } from './network.js';
import { simulate } from './simulate.js';

const units = 4;
const alpha = Float64Array.of(0.2, 0.5, 0.9, 1);
const { W, Win = matrix(units, 2), initial } = randomNetwork({ units, inputs: 2, seed: 5 });
const inputs = matrix(
  40,
  2,
  Float64Array.from({ length: 80 }, (_, i) => Math.sin(i * i)),
);
const { rates } = simulate({ W, Win, inputs, alpha, steps: 40, initial });
const scale = Float64Array.of(2, 3, 1, 0.5);
const offset = Float64Array.of(1, 0, -2, 5);
const recorded = matrix(
  rates.rows,
  units,
  rates.data.map((r, i) => r * scale[i % units]! + offset[i % units]!),
);
const network: FillingNetwork = {
  W,
  Win,
  inputLags: Int32Array.of(0),
  b: new Float64Array(units),
  alpha,
  scale,
  offset,
};

const masked = (mask: readonly boolean[]): { observed: Matrix; rates: Matrix } => ({
  observed: matrix(41, units, Float64Array.from(mask, Number)),
  rates: matrix(
    41,
    units,
    recorded.data.map((r, i) => (mask[i] === true ? r : Number.NaN)),
  ),
});

describe('fillMissing', () => {
  it('gives back what a network without noise did, whatever is missing after the first frame, and nothing else', () => {
    const mask = fc
      .array(fc.boolean(), { minLength: 40 * units, maxLength: 40 * units })
      .map((rest) => [true, true, true, true, ...rest]);
    fc.assert(
      fc.property(mask, (seen) => {
        const filled = fillMissing({ ...masked(seen), inputs }, network);
        filled.data.forEach((value, i) => {
          if (seen[i] === true) expect(value).toBeNaN();
          else expect(Math.abs(value - recorded.data[i]!)).toBeLessThan(1e-9);
        });
      }),
    );
  });

  it('says nothing of a unit before it was seen in a trial, and nothing across trials', () => {
    const seen = Array.from({ length: 41 * units }, (_, i) => {
      const [t, j] = [Math.floor(i / units), i % units];
      return !(j === 1 && (t < 3 || (t >= 20 && t < 23))) && !(j === 2 && (t === 1 || t === 30));
    });
    const trials = Array.from({ length: 41 }, (_, t) => (t < 20 ? 0 : 1));
    const filled = fillMissing({ ...masked(seen), inputs, trials }, network);
    const said = Array.from(filled.data, (value, i) => (Number.isNaN(value) ? -1 : i)).filter((i) => i >= 0);
    // Unit 2 was seen before frame 1; unit 1 was not before frames 3 and 23.
    expect(said).toEqual([units + 2, 30 * units + 2]);
    expect(Math.abs(filled.data[30 * units + 2]! - recorded.data[30 * units + 2]!)).toBeLessThan(1e-9);
  });

  it('takes late inputs from where they were, within the trial', () => {
    const late = { ...network, inputLags: Int32Array.of(3) };
    // Row t - 3 of these inputs is row t of the simulation's.
    const ahead = matrix(40, 2);
    ahead.data.set(inputs.data.subarray(6));
    const seen = Array.from({ length: 41 * units }, (_, i) => i < 6 * units || i % 3 > 0);
    const shifted = fillMissing({ ...masked(seen), inputs: ahead }, late);
    expect(shifted.data.subarray(0, 6 * units).every(Number.isNaN)).toBe(true);
    for (let i = 6 * units; i < 40 * units; i++) {
      if (seen[i] === false) expect(Math.abs(shifted.data[i]! - recorded.data[i]!)).toBeLessThan(1e-9);
    }
    const early = fillMissing({ ...masked(seen.map((_, i) => i !== 2 * units)), inputs: ahead }, late);
    expect(early.data.every(Number.isNaN)).toBe(true);
  });

  it('lists what does not fit the network', () => {
    const gaps = { rates: matrix(3, 2), observed: matrix(2, 2) };
    expect(() => fillMissing(gaps, network)).toThrow(/network: saw \[unit=4\][^]*observed: [^]*inputs: /);
  });
});
