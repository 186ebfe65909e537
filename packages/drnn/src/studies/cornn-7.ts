import { adamOn } from './methods/adam.js';
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
const gpu = 'GPU, N=5000';
const large = 'N=5000';

/** The headline: 25 million weights. By default networks of the same T / N, whose curves are nearly the same. */
export const cornn7: Study = {
  name: 'cornn-7',
  title: 'Large networks, rare impulses',
  figure: 'Figure 3',
  paper:
    'With N=5000 and T=30000 CORNN takes a minute to its plateau, r = .921 with slope .89; Adam and FORCE do not get there in days.',
  size: { units: 500, transitions: 3000, networks: 10, limit: 60 },
  full: { units: 5000, transitions: 30_000, networks: 7, limit: 48 * 3600 },
  gain: 3,
  alpha: 0.1,
  inputNoise: { kind: 'gaussian', size: 1e-2 },
  outputNoise: { kind: 'poisson', size: 1e-3 },
  methods: [
    fixedPoint({ ridge }),
    authors({ threshold: 1, ridge, steps: 100 }),
    authorsMasked({ threshold: 1, ridge, rho: 10, steps: 100 }),
    newtonCrossEntropy({ ridge }),
    newtonWeighted({ ridge }),
    adamOn({ loss: 'ce', start: 'random', maxSteps: 40_000 }),
    adamOn({ loss: 'l2', start: 'random', maxSteps: 40_000 }),
    descent({ ridge, maxSteps: 20_000 }),
    forceLearning({ form: 'currents', lambda: 3000, epochs: 100, start: 'random' }),
    forceLearning({ form: 'rates', lambda: 3000, epochs: 100, start: 'random' }),
    convex(),
    calibrated('quick'),
    calibrated('rounds'),
    calibrated('full'),
    informed(),
  ],
  sweep: null,
  published: [
    { method: 'fixed-point', correlation: 0.464, seconds: 9.5, note: large },
    { method: 'authors', correlation: 0.825, seconds: 16.7, steps: 1, note: large },
    { method: 'authors', correlation: 0.907, seconds: 23.9, steps: 2, note: large },
    { method: 'authors', correlation: 0.9206, seconds: 38.5, steps: 4, note: large },
    { method: 'authors', correlation: 0.921, seconds: 60, steps: 7, note: large },
    { method: 'adam-ce', correlation: 0.733, seconds: 3191, steps: 40_000, note: gpu },
    { method: 'adam-ce', correlation: 0.576, seconds: 189_600, note: large },
    { method: 'adam-l2', correlation: 0.661, seconds: 3169, note: gpu },
    { method: 'force-rates', correlation: 0.427, seconds: 106_000, note: `${large}; best over time` },
  ],
  notes: [
    "The paper's networks have N=5000, T=30000; the default here is N=500, T=3000, the same T / N = 6, for which the authors' iteration has r of about .45 at its fixed point, .81 after one step and .917 at its plateau.",
    newtonByGradients,
    'Adam and FORCE have no answer to rare impulses in their losses; the authors trim them.',
  ],
};
