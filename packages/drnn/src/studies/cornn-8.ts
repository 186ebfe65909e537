import { adamOn } from './methods/adam.js';
import { authors, authorsMasked } from './methods/authors.js';
import { calibrated } from './methods/calibrated.js';
import { convex } from './methods/convex.js';
import { newtonCrossEntropy, newtonWeighted } from './methods/cross-entropy-newton.js';
import { descent } from './methods/descent.js';
import { fixedPoint } from './methods/fixed-point.js';
import { forceLearning } from './methods/force.js';
import { informed } from './methods/informed.js';
import type { Study } from './study.js';

const [ridge, threshold] = [1e-5, 0.5];

/** Impulses alone: one target in ten is hit. */
export const cornn8: Study = {
  name: 'cornn-8',
  title: 'Poisson noise',
  figure: 'Figure S3',
  paper: 'Trimming makes CORNN nearly exact where losses that count every sample fail.',
  size: { units: 200, transitions: 1500, networks: 10, limit: 30 },
  full: { units: 200, transitions: 1500, networks: 100, limit: 120 },
  gain: 3,
  alpha: 0.1,
  inputNoise: { kind: 'poisson', size: 1e-2 },
  outputNoise: { kind: 'poisson', size: 1e-1 },
  methods: [
    fixedPoint({ ridge }),
    authors({ threshold, ridge, steps: 100 }),
    authorsMasked({ threshold, ridge, rho: 10, steps: 100 }),
    newtonCrossEntropy({ ridge }),
    newtonWeighted({ ridge }),
    adamOn({ loss: 'ce', startRidge: 1e-5 }),
    adamOn({ loss: 'l2', startRidge: 1e-5 }),
    descent({ ridge, maxSteps: 20_000 }),
    forceLearning({ form: 'currents', lambda: 100, epochs: 100, start: 'fixed-point', ridgeDivisor: 10 }),
    forceLearning({ form: 'rates', lambda: 100, epochs: 100, start: 'fixed-point', ridgeDivisor: 10 }),
    convex(),
    calibrated('quick'),
    calibrated('rounds'),
    calibrated('full'),
    informed(),
  ],
  sweep: null,
  published: [
    { method: 'fixed-point', correlation: 0.323, seconds: 0.013 },
    { method: 'authors', correlation: 0.729, seconds: 0.09, steps: 5 },
    { method: 'authors', correlation: 0.945, seconds: 0.14, steps: 10 },
    { method: 'authors', correlation: 0.989, seconds: 0.25, steps: 20 },
    { method: 'authors', correlation: 0.995, seconds: 0.46, note: 'plateau' },
    { method: 'newton-weighted', correlation: 0.995, seconds: 1.2, note: 'theirs also trims' },
    { method: 'newton-ce', correlation: 0.38 },
    { method: 'adam-ce', correlation: 0.52, seconds: 6.3, note: 'then falls to .37' },
    { method: 'force-currents', correlation: 0.28, note: 'from .32' },
    { method: 'force-rates', correlation: 0.2, note: 'from .33' },
  ],
  notes: ['The sd of the bulk is 0: the informed estimate takes 1e-7 in its place, and trims every impulse.'],
};
