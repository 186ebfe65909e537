import type { JsonObject } from '@drnn/recordings';
import type { Noise } from '@drnn/simulator';
import type { StudyMethod } from './study-method.js';

/** How big a study is. */
export interface StudySize {
  readonly units: number;
  /** T: transitions that are fitted. */
  readonly transitions: number;
  readonly networks: number;
  /** Seconds after which a method that would go on ends at its next state. */
  readonly limit: number;
}

/** A figure that the paper gives: the median (or mean) over networks of the correlation of W, after so many seconds. */
export interface Published {
  /** The name of a method of the study. */
  readonly method: string;
  readonly correlation: number;
  /** On the authors' machine; absent where they give none. */
  readonly seconds?: number;
  readonly steps?: number;
  /** The value of the swept setting that it belongs to. */
  readonly sweep?: number;
  /** What to know of it: another device, the best over time. */
  readonly note?: string;
}

/** An experiment of the paper: which networks, which methods, and what the paper found. */
export interface Study {
  readonly name: string;
  readonly title: string;
  /** The figure of the paper. */
  readonly figure: string;
  /** What the paper did and found, in a sentence or two. */
  readonly paper: string;
  /** By default: fits an ordinary machine. */
  readonly size: StudySize;
  /** With `--full`: that of the paper. */
  readonly full: StudySize;
  /** g: W_ij ~ N(0, g^2 / N), zero diagonal. */
  readonly gain: number;
  /** dt / tau. */
  readonly alpha: number;
  /** xi, inside tanh. */
  readonly inputNoise: Noise;
  /** eta, outside tanh: a size on the target d. */
  readonly outputNoise: Noise;
  readonly methods: readonly StudyMethod[];
  /** The setting on the axis in place of time, where there is one. */
  readonly sweep: { readonly name: string; readonly values: readonly number[] } | null;
  readonly published: readonly Published[];
  readonly notes: readonly string[];
}

/** A noise in words. */
export const describeNoise = ({ kind, size }: Noise): string =>
  size === 0 ? 'none' : `${kind} ${kind === 'poisson' ? 'rate' : kind === 'laplace' ? 'scale' : 'sd'} ${size}`;

/** What makes the data of a study, as JSON: two runs with another one are not one study. */
export const generatorSettings = (study: Study): JsonObject => ({
  gain: study.gain,
  alpha: study.alpha,
  inputNoise: describeNoise(study.inputNoise),
  outputNoise: describeNoise(study.outputNoise),
});
