import { adamOn } from './methods/adam.js';
import { authors } from './methods/authors.js';
import { newtonCrossEntropy } from './methods/cross-entropy-newton.js';
import { fixedPoint } from './methods/fixed-point.js';
import { forceLearning } from './methods/force.js';
import type { Study } from './study.js';
import type { StudyMethod } from './study-method.js';

const multipliers = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100];

/** A method at one value of the swept setting. */
const at = (sweep: number, method: StudyMethod): StudyMethod => ({
  ...method,
  name: `${method.name}-m${sweep}`,
  label: `${method.label}, m = ${sweep}`,
  sweep,
});

const swept = (start: 'fixed-point' | 'random'): readonly StudyMethod[] =>
  multipliers.flatMap((m) => {
    const ridge = 1e-5 * m;
    return [
      fixedPoint({ ridge }),
      authors({ threshold: 0.2, ridge, steps: 100 }),
      newtonCrossEntropy({ ridge, start }),
      adamOn({ loss: 'ce', ridge: 1e-8 * m, start }),
      adamOn({ loss: 'l2', ridge: 1e-8 * m, start }),
      forceLearning({ form: 'currents', lambda: 200 * m, epochs: 100, start }),
      forceLearning({ form: 'rates', lambda: 200 * m, epochs: 100, start }),
    ].map((method) => at(m, method));
  });

const sweep = { name: 'multiplier m of the regularisation', values: multipliers } as const;

const common = {
  figure: 'Figure S4',
  size: { units: 200, transitions: 3000, networks: 10, limit: 8 },
  full: { units: 200, transitions: 3000, networks: 10, limit: 120 },
  gain: 3,
  alpha: 0.1,
  inputNoise: { kind: 'gaussian', size: 1e-2 },
  outputNoise: { kind: 'gaussian', size: 1e-4 },
  sweep,
} as const;

const notes = [
  'l2 = 1e-5 m per transition for CORNN, its fixed point and Newton; P(0) = 1 / (200 m) for FORCE; l2 = 1e-8 m for Adam.',
  'The figures of the paper are means over 10 networks of its own; ours are medians.',
];

const flat = (correlation: number, values: readonly number[]) =>
  values.map((value) => ({ method: 'authors', correlation, sweep: value }));

/** How much the regularisation matters, baselines from the fixed point. */
export const cornn2a: Study = {
  ...common,
  name: 'cornn-2a',
  title: 'Regularisation, baselines from the fixed point',
  paper: 'CORNN is insensitive to its l2 over more than six decades; FORCE is not.',
  methods: swept('fixed-point'),
  published: [
    ...flat(0.974, [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]),
    { method: 'authors', correlation: 0.977, sweep: 1 },
    { method: 'authors', correlation: 0.982, sweep: 10 },
    { method: 'authors', correlation: 0.935, sweep: 100 },
    { method: 'fixed-point', correlation: 0.856, sweep: 1e-5 },
    { method: 'fixed-point', correlation: 0.861, sweep: 1 },
    { method: 'fixed-point', correlation: 0.887, sweep: 10 },
    { method: 'fixed-point', correlation: 0.901, sweep: 100 },
    { method: 'force-currents', correlation: 0.85, sweep: 1e-5 },
    { method: 'force-currents', correlation: 0.887, sweep: 10 },
    { method: 'force-currents', correlation: 0.775, sweep: 100 },
    { method: 'force-rates', correlation: 0.05, sweep: 1e-5 },
    { method: 'force-rates', correlation: 0.89, sweep: 1 },
    { method: 'force-rates', correlation: 0.906, sweep: 10 },
  ],
  notes,
};

/** The same with baselines from random weights. */
export const cornn2b: Study = {
  ...common,
  name: 'cornn-2b',
  title: 'Regularisation, baselines from random weights',
  paper: 'CORNN stays flat; FORCE collapses for m below 1.',
  methods: swept('random'),
  published: [
    ...flat(0.986, [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10]).map((one) => ({ ...one, note: '.985 to .987' })),
    { method: 'authors', correlation: 0.945, sweep: 100 },
  ],
  notes,
};
