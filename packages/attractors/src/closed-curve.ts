import { type Matrix, matrix } from '@drnn/tensor';

/** Closed curves that are given by their points at equal phases, `[phase, dimension]`. */

const HARMONICS = 8;

/** The rows from `first` on, and then those before. */
export const rolled = ({ rows, columns, data }: Matrix, first: number): Matrix => {
  const out = matrix(rows, columns);
  out.data.set(data.subarray(first * columns));
  out.data.set(data.subarray(0, first * columns), (rows - first) * columns);
  return out;
};

/** Half of what each column covers. */
export const amplitudeOf = ({ rows, columns, data }: Matrix): Float64Array =>
  Float64Array.from({ length: columns }, (_, i) => {
    let low = Infinity;
    let high = -Infinity;
    for (let p = 0; p < rows; p++) {
      low = Math.min(low, data[p * columns + i]!);
      high = Math.max(high, data[p * columns + i]!);
    }
    return (high - low) / 2;
  });

/** The shares of the first harmonics in the power of a closed orbit `[phase, dimension]` about its mean. */
export const harmonicsOf = ({ rows, columns, data }: Matrix, count = HARMONICS): Float64Array => {
  const power = new Float64Array(Math.floor(rows / 2) + 1);
  for (let h = 1; h < power.length; h++) {
    for (let i = 0; i < columns; i++) {
      let re = 0;
      let im = 0;
      for (let p = 0; p < rows; p++) {
        const angle = (2 * Math.PI * ((h * p) % rows)) / rows;
        re += data[p * columns + i]! * Math.cos(angle);
        im += data[p * columns + i]! * Math.sin(angle);
      }
      power[h]! += re * re + im * im;
    }
  }
  const total = power.reduce((sum, value) => sum + value, 0);
  return power.slice(1, 1 + count).map((value) => (total > 0 ? value / total : 0));
};

/** The row in which the variable of the largest amplitude is highest: where a phase is counted from. */
export const highestRow = ({ rows, columns, data }: Matrix, amplitude: Float64Array): number => {
  const widest = amplitude.indexOf(Math.max(...amplitude));
  let highest = 0;
  for (let p = 1; p < rows; p++) if (data[p * columns + widest]! > data[highest * columns + widest]!) highest = p;
  return highest;
};
