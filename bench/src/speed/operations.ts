import type { Precision } from '@drnn/tensor';

/** Expressions timed by themselves. */
export const pointwiseNames = ['z', 'tanh', 'slope', 'value'] as const;
export type PointwiseName = (typeof pointwiseNames)[number];

/**
 * One thing that is timed. `product` is X Theta, [steps, units] times [units, units], or with `transposed` X'E; `pass`
 * gives the gradient, with `value` the loss too, of the form that our fits use in its precision or of the `plain` one, in
 * which NumPy does it; `iteration` is the gradient and the solve with a factor of the metric.
 */
export type Operation =
  | { readonly kind: 'product'; readonly steps: number; readonly units: number; readonly transposed: boolean }
  | { readonly kind: 'largest'; readonly steps: number; readonly units: number }
  | { readonly kind: 'gram'; readonly steps: number; readonly units: number }
  | {
      readonly kind: 'pass';
      readonly steps: number;
      readonly units: number;
      readonly value: boolean;
      readonly plain?: true;
    }
  | { readonly kind: 'iteration'; readonly steps: number; readonly units: number }
  | { readonly kind: 'cholesky' | 'solve'; readonly units: number }
  | { readonly kind: 'pointwise'; readonly steps: number; readonly units: number; readonly name: PointwiseName }
  | { readonly kind: 'peak'; readonly precision: Precision };

/** Turns of the peak's loop a sample, some 2 ms. */
export const peakTurns = 1_000_000;

/** Floating-point operations: a multiplication and an addition are two; a symmetric product is counted by its half. */
export const flopOf = (operation: Operation): number => {
  switch (operation.kind) {
    case 'product':
    case 'largest':
      return 2 * operation.steps * operation.units ** 2;
    case 'gram':
      return operation.steps * operation.units ** 2;
    case 'pass':
      return 4 * operation.steps * operation.units ** 2;
    case 'iteration':
      return 4 * operation.steps * operation.units ** 2 + 2 * operation.units ** 3;
    case 'cholesky':
      return operation.units ** 3 / 3;
    case 'solve':
      return 2 * operation.units ** 3;
    case 'pointwise':
      return 0;
    case 'peak':
      return 2 * 12 * (operation.precision === 'mixed' ? 4 : 2) * peakTurns;
  }
};

/** Elements that a pointwise operation goes through; 0 for others. */
export const elementsOf = (operation: Operation): number =>
  operation.kind === 'pointwise' ? operation.steps * operation.units : 0;

const expressionText: Readonly<Record<PointwiseName, Readonly<Record<Precision, string>>>> = {
  z: { float64: 'z, read and added up', mixed: 'z, read and added up' },
  tanh: { float64: 'tanh z', mixed: 'tanh z' },
  slope: { float64: 'clip((tanh z - d) / (1 - d^2))', mixed: 'clip(w (tanh z - tanh y)), stable' },
  value: { float64: 'log 2cosh z - d z', mixed: 'log 2cosh z - d z' },
};

export const labelOf = (operation: Operation, precision: Precision): string => {
  switch (operation.kind) {
    case 'product':
    case 'largest': {
      const { steps, units } = operation;
      const transposed = operation.kind === 'largest' || operation.transposed;
      return transposed ? `GEMM X'E ${units} x ${steps} x ${units}` : `GEMM X Theta ${steps} x ${units} x ${units}`;
    }
    case 'gram':
      return `SYRK X'X N=${operation.units} T=${operation.steps}`;
    case 'pass':
      return `pass N=${operation.units} T=${operation.steps}, gradient${operation.value ? ' + value' : ''}${operation.plain ? ', as NumPy' : ''}`;
    case 'iteration':
      return `iteration N=${operation.units} T=${operation.steps}: pass, solve`;
    case 'cholesky':
      return `Cholesky N=${operation.units} (float64)`;
    case 'solve':
      return `solve N=${operation.units}, N right sides (float64)`;
    case 'pointwise':
      return expressionText[operation.name][precision];
    case 'peak':
      return `${operation.precision === 'mixed' ? 'float32' : 'float64'} multiply-adds on registers`;
  }
};

/** The size at which the speed of an entrant is first seen. */
export const probe: Operation = { kind: 'pass', steps: 2000, units: 100, value: false };

/** Whether it is about a recording, of its own size. */
export const needsRecording = (
  operation: Operation,
): operation is Extract<Operation, { readonly kind: 'gram' | 'pass' | 'iteration' | 'pointwise' }> =>
  ['gram', 'pass', 'iteration', 'pointwise'].includes(operation.kind);

/** Everything, small first. */
export const operationsFor = (quick: boolean): readonly Operation[] => {
  const steps = quick ? 2000 : 10_000;
  const largest = quick ? 1024 : 2048;
  const usual = quick ? 250 : 500;
  const sizes = quick ? [usual] : [usual, 1000];
  return [
    probe,
    { kind: 'product', steps: 512, units: 512, transposed: false },
    { kind: 'product', steps: 512, units: 512, transposed: true },
    { kind: 'product', steps, units: usual, transposed: false },
    { kind: 'product', steps, units: usual, transposed: true },
    { kind: 'gram', steps, units: usual },
    ...sizes.flatMap((units): readonly Operation[] => [
      { kind: 'pass', steps, units, value: false },
      { kind: 'pass', steps, units, value: true },
    ]),
    ...[false, true].map((value): Operation => ({
      kind: 'pass',
      steps,
      units: sizes.at(-1) ?? usual,
      value,
      plain: true,
    })),
    { kind: 'iteration', steps, units: usual },
    ...sizes.flatMap((units): readonly Operation[] => [
      { kind: 'cholesky', units },
      { kind: 'solve', units },
    ]),
    ...pointwiseNames.map((name): Operation => ({ kind: 'pointwise', steps, units: usual, name })),
    { kind: 'largest', steps: largest, units: largest },
  ];
};
