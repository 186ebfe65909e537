import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** The generators of one named stream: `stream(time)` is a fresh generator that depends on (seed, name, time) only. */
export type RandomStream = (time: number) => RandomGenerator;

// Odd constants without structure; they keep the four lanes of the hash apart.
const LANES = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f] as const;

/** The 32-bit finaliser of MurmurHash3 (Appleby, public domain): a bijection in which every bit moves every other. */
const finalise = (word: number): number => {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
};

/** Each lane is a bijection of the word absorbed, so keys that differ in one word never share a state. */
const absorb = (state: Int32Array, word: number): void => {
  for (let lane = 0; lane < 4; lane++) state[lane] = finalise(((state[lane]! ^ word) + LANES[lane]!) | 0);
};

const absorbInteger = (state: Int32Array, value: number): void => {
  absorb(state, value | 0);
  absorb(state, Math.floor(value / 0x1_0000_0000) | 0);
};

/**
 * The random stream `name` of `seed`. The generator of each time step (any safe integer, negative ones too) is a
 * xoroshiro128+ whose 128-bit state is a hash of (seed, name, time); draws within a step are sequential. Hence a draw
 * never depends on where a run started or how it was cut into batches.
 */
export const randomStream = (seed: number, name: string): RandomStream => {
  const prefix = Int32Array.from(LANES);
  absorbInteger(prefix, seed);
  for (let i = 0; i < name.length; i++) absorb(prefix, name.charCodeAt(i));
  const state = new Int32Array(4);
  return (time) => {
    state.set(prefix);
    absorbInteger(state, time);
    // All zero is the one fixed point of the generator.
    if ((state[0]! | state[1]! | state[2]! | state[3]!) === 0) state[0] = 1;
    return xoroshiro128plusFromState([state[0]!, state[1]!, state[2]!, state[3]!]);
  };
};

/**
 * One draw uniform on (0, 1): the centres of 2^52 equal cells, so neither 0 nor 1 occurs. The low bits of each word,
 * the weak ones of xoroshiro128+, are left out.
 */
export const uniform = (generator: RandomGenerator): number => {
  const high = generator.next() >>> 6;
  const low = generator.next() >>> 6;
  return (high * 0x400_0000 + low + 0.5) * 2 ** -52;
};

/**
 * Fills `out` with independent N(0, deviation^2), two at a time by Box and Muller (1958); entry j does not depend on how
 * many follow it.
 */
export const fillGaussian = (generator: RandomGenerator, deviation: number, out: Float64Array): void => {
  for (let j = 0; j < out.length; j += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(uniform(generator)));
    const angle = 2 * Math.PI * uniform(generator);
    out[j] = radius * Math.cos(angle);
    if (j + 1 < out.length) out[j + 1] = radius * Math.sin(angle);
  }
};

/** Fills `out` with independent Laplace draws of density exp(-|x| / scale) / (2 scale), sd scale sqrt(2), by inversion. */
export const fillLaplace = (generator: RandomGenerator, scale: number, out: Float64Array): void => {
  for (let j = 0; j < out.length; j++) {
    const u = uniform(generator);
    out[j] = u < 0.5 ? scale * Math.log(2 * u) : -scale * Math.log(2 * (1 - u));
  }
};

const SMALL_LOG_FACTORIALS = [1, 2, 6, 24, 120, 720, 5040, 40320, 362880].map(Math.log);

/** log k! for whole k >= 0, by Stirling's series from 10 on (error below 1e-10). */
const logFactorial = (k: number): number => {
  if (k < 10) return k < 1 ? 0 : SMALL_LOG_FACTORIALS[k - 1]!;
  const square = 1 / (k * k);
  const series = (1 / 12 - square * (1 / 360 - square / 1260)) / k;
  return (k + 0.5) * Math.log(k) - k + 0.5 * Math.log(2 * Math.PI) + series;
};

// Up to here inversion is short and exact; from 10 on PTRS is defined.
const INVERSION_BELOW = 10;

const fillPoissonByInversion = (generator: RandomGenerator, rate: number, out: Float64Array): void => {
  const none = Math.exp(-rate);
  for (let j = 0; j < out.length; j++) {
    let u = uniform(generator);
    let k = 0;
    let probability = none;
    // Past the mode a probability below the cells of the uniform ends the search: what is left is rounding.
    while (u > probability && (k <= rate || probability > 1e-18)) {
      u -= probability;
      k++;
      probability *= rate / k;
    }
    out[j] = k;
  }
};

const fillPoissonByRejection = (generator: RandomGenerator, rate: number, out: Float64Array): void => {
  const logRate = Math.log(rate);
  const b = 0.931 + 2.53 * Math.sqrt(rate);
  const a = -0.059 + 0.02483 * b;
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
  const accept = 0.9277 - 3.6224 / (b - 2);
  for (let j = 0; j < out.length; j++) {
    for (;;) {
      const u = uniform(generator) - 0.5;
      const v = uniform(generator);
      const distance = 0.5 - Math.abs(u);
      const k = Math.floor(((2 * a) / distance + b) * u + rate + 0.43);
      if (k < 0) continue;
      if (distance >= 0.07 && v <= accept) {
        out[j] = k;
        break;
      }
      if (distance < 0.013 && v > distance) continue;
      const bound = -rate + k * logRate - logFactorial(k);
      if (Math.log((v * inverseAlpha) / (a / (distance * distance) + b)) <= bound) {
        out[j] = k;
        break;
      }
    }
  }
};

/**
 * Fills `out` with independent Poisson counts of mean `rate`: by inversion below 10, by the transformed rejection PTRS
 * of Hoermann (1993, Insurance: Mathematics and Economics 12) from there on.
 */
export const fillPoisson = (generator: RandomGenerator, rate: number, out: Float64Array): void => {
  if (rate < INVERSION_BELOW) fillPoissonByInversion(generator, rate, out);
  else fillPoissonByRejection(generator, rate, out);
};
