import type { Precision } from '@drnn/tensor';
import { elementsOf, flopOf, type Operation } from './operations.js';
import { median } from './timing.js';

/** The times of one operation on one that took part. */
export interface Measurement {
  readonly name: string;
  readonly precision: Precision;
  readonly threads: number;
  readonly operation: Operation;
  /** Milliseconds of each run. */
  readonly samples: readonly number[];
  readonly median: number;
  readonly best: number;
  /** At the median; NaN where no flop are counted. */
  readonly gflops: number;
  /** At the median; NaN for others than pointwise operations. */
  readonly nanosecondsAnElement: number;
  readonly note: string | null;
}

export const measurementOf = (
  who: Pick<Measurement, 'name' | 'precision' | 'threads'>,
  operation: Operation,
  samples: readonly number[],
  note: string | null,
): Measurement => {
  const { name, precision, threads } = who;
  const [flop, elements, middle] = [flopOf(operation), elementsOf(operation), median(samples)];
  return {
    name,
    precision,
    threads,
    operation,
    samples,
    median: middle,
    best: Math.min(...samples),
    gflops: flop > 0 ? flop / middle / 1e6 : Number.NaN,
    nanosecondsAnElement: elements > 0 ? (1e6 * middle) / elements : Number.NaN,
    note,
  };
};

/** Whether two operations are the same. */
export const isSame = (a: Operation, b: Operation): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The measurement of an operation by name, precision and threads. */
export const find = (
  measurements: readonly Measurement[],
  name: string,
  precision: Precision,
  threads: number,
  operation: Operation,
): Measurement | undefined =>
  measurements.find(
    (each) =>
      each.name === name &&
      each.precision === precision &&
      each.threads === threads &&
      isSame(each.operation, operation),
  );

/** GFLOP/s on one thread at the best. */
export type Peaks = Readonly<Record<Precision, number>>;

/** What rates of one are compared with, GFLOP/s on one thread; null where there is nothing. */
export const peakOf = (
  name: string,
  precision: Precision,
  measurements: readonly Measurement[],
  engine: Peaks,
): number | null => {
  if (name === 'webgpu') return null;
  if (!name.startsWith('blas') && !name.startsWith('NumPy')) return engine[precision];
  const largest = measurements
    .filter((each) => each.name === name && each.precision === precision && each.operation.kind === 'largest')
    .toSorted((a, b) => a.threads - b.threads)[0];
  if (largest === undefined) return null;
  // A host's products are float64; vectors hold twice as many float32.
  const lanes = name.startsWith('blas') && precision === 'mixed' ? 2 : 1;
  return (lanes * flopOf(largest.operation)) / largest.best / 1e6 / largest.threads;
};
