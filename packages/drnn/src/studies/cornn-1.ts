import { adamOn, adamVariants } from './methods/adam.js';
import { authors, authorsMasked } from './methods/authors.js';
import { calibrated } from './methods/calibrated.js';
import { convex } from './methods/convex.js';
import { newtonByGradients, newtonCrossEntropy, newtonWeighted } from './methods/cross-entropy-newton.js';
import { descent } from './methods/descent.js';
import { fixedPoint } from './methods/fixed-point.js';
import { forceLearning } from './methods/force.js';
import { informed } from './methods/informed.js';
import type { Study } from './study.js';

const ridge = 1e-5;
const threshold = 0.2;
const gpu = 'GPU';
const trimmed = 'theirs also trims; best over time';

const random = { figure: 'Figures S2 and S5', gain: 3, alpha: 0.1, sweep: null } as const;

const methods = [
  fixedPoint({ ridge }),
  authors({ threshold, ridge, steps: 100 }),
  authorsMasked({ threshold, ridge, rho: 10, steps: 100 }),
  newtonCrossEntropy({ ridge }),
  newtonWeighted({ ridge }),
  adamOn({ loss: 'ce' }),
  adamOn({ loss: 'l2' }),
  ...adamVariants,
  descent({ ridge, maxSteps: 20_000 }),
  forceLearning({ form: 'currents', lambda: 200, epochs: 100, start: 'fixed-point' }),
  forceLearning({ form: 'rates', lambda: 200, epochs: 100, start: 'fixed-point' }),
  convex(),
  calibrated('quick'),
  calibrated('rounds'),
  calibrated('full'),
  informed(),
];

const forceNote = 'FORCE runs the network step by step, in plain loops on one thread; a step is an epoch.';
const newtonNote =
  'Newton here forms the Hessians of the next step with each state, which adds one to the time of all but the last.';

/** Little noise in the currents, less outside: unweighted losses win in the paper. */
export const cornn1a: Study = {
  ...random,
  name: 'cornn-1a',
  title: 'Random chaotic networks, little noise',
  paper:
    'CORNN is within seconds of its plateau, where Adam takes minutes; in this regime plain cross-entropy and Adam are more accurate in the end.',
  size: { units: 200, transitions: 3000, networks: 10, limit: 30 },
  full: { units: 200, transitions: 3000, networks: 100, limit: 120 },
  inputNoise: { kind: 'gaussian', size: 1e-2 },
  outputNoise: { kind: 'gaussian', size: 1e-4 },
  methods,
  published: [
    { method: 'fixed-point', correlation: 0.887, seconds: 0.027 },
    { method: 'authors', correlation: 0.968, seconds: 0.14, steps: 5 },
    { method: 'authors', correlation: 0.978, seconds: 0.25, steps: 10 },
    { method: 'authors', correlation: 0.986, seconds: 0.54, steps: 25 },
    { method: 'authors', correlation: 0.9878, seconds: 2.1, steps: 100 },
    { method: 'newton-weighted', correlation: 0.9893, seconds: 1.4, note: trimmed },
    { method: 'newton-ce', correlation: 0.9933, seconds: 0.6, steps: 1 },
    { method: 'newton-ce', correlation: 0.9939, seconds: 0.8, steps: 2 },
    { method: 'adam-ce', correlation: 0.983, seconds: 75, steps: 8000 },
    { method: 'adam-ce', correlation: 0.931, seconds: 0.87, steps: 1000, note: gpu },
    { method: 'adam-ce', correlation: 0.987, seconds: 8.3, steps: 10_000, note: gpu },
    { method: 'adam-ce', correlation: 0.9947, seconds: 16.6, steps: 20_000, note: gpu },
    { method: 'adam-l2', correlation: 0.982, seconds: 16.1, steps: 20_000, note: gpu },
    { method: 'force-currents', correlation: 0.89, seconds: 4.6, steps: 5 },
    { method: 'force-currents', correlation: 0.887, seconds: 102, steps: 100 },
    { method: 'force-rates', correlation: 0.894, seconds: 5, steps: 5 },
    { method: 'force-rates', correlation: 0.915, seconds: 101, steps: 100 },
  ],
  notes: [newtonNote, forceNote],
};

/** Much noise in the currents, next to none outside: weighting by 1 / (1 - d^2) wins in the paper. */
export const cornn1b: Study = {
  ...random,
  name: 'cornn-1b',
  title: 'Random chaotic networks, much noise in the currents',
  paper: 'CORNN reaches its plateau in a tenth of a second, and the plain losses fall behind it or overfit.',
  size: { units: 200, transitions: 3000, networks: 10, limit: 30 },
  full: { units: 200, transitions: 3000, networks: 100, limit: 120 },
  inputNoise: { kind: 'gaussian', size: 1e-1 },
  outputNoise: { kind: 'gaussian', size: 1e-5 },
  methods,
  published: [
    { method: 'fixed-point', correlation: 0.965, seconds: 0.027 },
    { method: 'authors', correlation: 0.974, seconds: 0.15, steps: 5 },
    { method: 'authors', correlation: 0.975, seconds: 0.38, steps: 15 },
    { method: 'authors', correlation: 0.975, seconds: 2.25, steps: 100 },
    { method: 'newton-weighted', correlation: 0.9752, seconds: 1.5, note: trimmed },
    { method: 'newton-ce', correlation: 0.949, steps: 2 },
    { method: 'adam-ce', correlation: 0.971, seconds: 10.1, steps: 1000 },
    { method: 'adam-ce', correlation: 0.9715, seconds: 0.87, steps: 1000, note: gpu },
    { method: 'adam-ce', correlation: 0.939, steps: 20_000, note: gpu },
    { method: 'adam-l2', correlation: 0.967, steps: 1000, note: gpu },
    { method: 'adam-l2', correlation: 0.859, steps: 20_000, note: gpu },
    { method: 'force-currents', correlation: 0.966, seconds: 4.5, steps: 5 },
    { method: 'force-currents', correlation: 0.963, seconds: 87, steps: 100 },
    { method: 'force-rates', correlation: 0.965, seconds: 4.5, steps: 5 },
    { method: 'force-rates', correlation: 0.946, seconds: 87, steps: 100 },
  ],
  notes: [newtonNote, forceNote],
};

/** What the start is worth. */
export const cornn1c: Study = {
  ...random,
  name: 'cornn-1c',
  title: 'Larger networks, fixed-point against random start',
  figure: 'Figure S6C',
  paper: 'From the fixed point CORNN needs 5 iterations for what takes 600 to 900 from a random start.',
  size: { units: 500, transitions: 10_000, networks: 10, limit: 60 },
  full: { units: 500, transitions: 10_000, networks: 100, limit: 200 },
  inputNoise: { kind: 'gaussian', size: 1e-1 },
  outputNoise: { kind: 'gaussian', size: 1e-5 },
  methods: [
    fixedPoint({ ridge }),
    authors({ threshold: 1, ridge, steps: 50 }),
    authors({ threshold: 1, ridge, steps: 3000, start: 'random' }),
    newtonCrossEntropy({ ridge, start: 'random' }),
    newtonWeighted({ ridge, start: 'random' }),
    adamOn({ loss: 'ce', start: 'random' }),
    adamOn({ loss: 'l2', start: 'random' }),
    convex(),
    convex({ start: 'random' }),
    calibrated('quick'),
    calibrated('rounds'),
    calibrated('full'),
    informed(),
  ],
  published: [
    { method: 'fixed-point', correlation: 0.9859, seconds: 0.25 },
    { method: 'authors', correlation: 0.9898, seconds: 1.11, steps: 5 },
    { method: 'authors-random', correlation: 0.976, seconds: 53, steps: 300 },
    { method: 'authors-random', correlation: 0.989, seconds: 104, steps: 600 },
    { method: 'authors-random', correlation: 0.989, seconds: 1.3, steps: 900, note: gpu },
    { method: 'newton-ce', correlation: 0.9851, seconds: 63 },
    { method: 'newton-weighted', correlation: 0.9716, seconds: 79, note: trimmed },
    { method: 'adam-ce', correlation: 0.9847, seconds: 5.5, note: gpu },
    { method: 'adam-l2', correlation: 0.955, note: gpu },
  ],
  notes: [
    'Newton, Adam and the second form of both convex methods start at random N(0, 1/N) weights.',
    newtonByGradients,
  ],
};
