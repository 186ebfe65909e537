import type { Certificate } from '@drnn/objectives';
import type { ModelRecord } from '@drnn/recordings';
import { firstNonFinite } from '@drnn/tensor';
import type { Fit } from './fitted.js';
import { precisionOf } from './hardware-of.js';
import { version } from './version.js';

/** Above this order the eigenvalues of W take longer than the fit. */
const largestSpectrum = 600;

/** The HTML report of a fit. */
export const reportOf = async (
  fit: Fit,
  about: { readonly options: ModelRecord['options']; readonly command: string },
): Promise<string> => {
  const { solution, model, identifiability, scaling, objective } = fit;
  const names = [...fit.unitNames, ...inputNames(fit.inputs, model.inputLags)];
  const alphas = Array.from(model.alpha);
  // Drawing takes longer to load than many a command to run.
  const { renderReport } = await import('./report/index.js');
  return renderReport({
    title: titleOf(fit),
    sources: fit.sources.map(({ fileName, sha256 }) => ({ name: fileName, sha256 })),
    created: new Date().toISOString(),
    versions: { drnn: version, node: process.versions.node },
    units: fit.units,
    inputs: fit.inputs,
    samples: fit.samples,
    trainSamples: fit.trainSamples,
    trials: fit.trials,
    samplingInterval: fit.samplingInterval,
    alpha: { lowest: Math.min(...alphas), highest: Math.max(...alphas) },
    status: solution.status,
    residual: solution.residual,
    thetaErrorBound: solution.thetaErrorBound,
    objective: solution.objective,
    steps: solution.steps,
    seconds: fit.seconds,
    timing: { ...fit.timing },
    backend: [fit.backend, ...(fit.device === null ? [] : [`(${fit.device})`])].join(' '),
    precision: precisionOf(fit),
    threads: fit.threads,
    solver: fit.solver,
    objectiveName: objective.name,
    calibrated: fit.calibration === null ? null : { ...fit.calibration, effort: fit.settings.effort },
    ridgePath: fit.ridgePath,
    W: model.W,
    Win: model.Win,
    b: model.b,
    unitNames: fit.unitNames,
    groups: fit.groups,
    inputLags: Array.from(model.inputLags),
    observationNoise: fit.observationNoise,
    filling: fit.filling,
    alphaProfile: fit.alphaProfile,
    intervals: fit.intervals,
    spectrum: await spectrumOf(model.W),
    trace: solution.trace,
    certificate: { verdict: fit.certificate.verdict, lines: certificateLines(fit.certificate) },
    scores: fit.scores,
    traces: fit.traces,
    scale: {
      method: scaling.method,
      outsideBefore: scaling.outsideBefore,
      outsideAfter: scaling.outsideAfter,
      clipped: fit.targetsClipped,
    },
    identifiability: {
      condition: identifiability.condition,
      effectiveDirections: identifiability.effectiveDirections,
      predictors: identifiability.predictors,
      weak: Array.from(identifiability.undetermined, (fraction, p) => ({ name: names[p] ?? 'bias', fraction }))
        .filter(({ fraction }) => fraction > 0.5)
        .sort((a, b) => b.fraction - a.fraction),
    },
    options: Object.entries(about.options).map(([name, { value, given }]) => ({
      name,
      value: typeof value === 'string' ? value : value === null ? 'none' : JSON.stringify(value),
      given,
    })),
    command: about.command,
    warnings: fit.warnings,
    verdict: fit.verdict,
  });
};

/** A name for every column of inputs: all of them at each lag. */
const inputNames = (inputs: number, lags: Int32Array): readonly string[] =>
  Array.from(lags).flatMap((lag) =>
    Array.from({ length: inputs }, (_, k) => `input ${k}${lag === 0 ? '' : ` ${lag} late`}`),
  );

const titleOf = ({ sources }: Fit): string => {
  const [first, ...others] = sources;
  if (first === undefined) return 'A fitted network';
  const more = others.length === 0 ? '' : ` and ${others.length} more ${others.length === 1 ? 'file' : 'files'}`;
  return `A network fitted to ${first.fileName}${more}`;
};

/** Eigenvalues of W; none where that would take too long, or W is not finite. */
const spectrumOf = async (W: Fit['model']['W']): Promise<{ readonly re: Float64Array; readonly im: Float64Array }> => {
  if (W.rows > largestSpectrum || firstNonFinite(W.data) >= 0)
    return { re: new Float64Array(), im: new Float64Array() };
  const { EigenvalueDecomposition, Matrix: DenseMatrix } = await import('ml-matrix');
  const decomposition = new EigenvalueDecomposition(DenseMatrix.from1DArray(W.rows, W.columns, W.data));
  return {
    re: Float64Array.from(decomposition.realEigenvalues),
    im: Float64Array.from(decomposition.imaginaryEigenvalues),
  };
};

const certificateLines = (certificate: Certificate): readonly string[] => {
  switch (certificate.verdict) {
    case 'convex':
      return certificate.proof;
    case 'not-convex': {
      const { z1, z2, slope1, slope2 } = certificate.witness;
      return [`The slope falls from ${slope1} at z = ${z1} to ${slope2} at z = ${z2}.`];
    }
    case 'undecided':
      return [certificate.reason];
  }
};
