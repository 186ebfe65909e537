import type { Calibrated } from './report-data.js';

const meanings: Readonly<Record<string, string>> = {
  converged: 'converged: residual and error bound are at or below the tolerance',
  'max-steps': 'stopped at the largest number of steps before it converged',
  stalled: 'stalled: neither the residual nor the error bound could be lowered further',
  'precision-floor': 'stopped at the precision of the arithmetic before it reached the tolerance',
  'non-finite': 'failed: a number was not finite',
  'device-lost': 'the device was lost: this is the last good state',
  aborted: 'interrupted: this is the last good state',
};

const calibratedMeanings: Readonly<Record<Calibrated['effort'], Readonly<Record<string, string>>>> = {
  full: {
    converged: 'converged: every unit is within a tenth of a standard error of the optimum of the last round',
    'max-steps': 'stopped before every unit was within a tenth of a standard error of the optimum of the last round',
  },
  quick: {
    converged: 'converged: the median unit is within half a standard error of the optimum of its round',
    'max-steps': 'stopped before the median unit was within half a standard error of the optimum of its round',
  },
};

/** How the fit ended, in words. */
export const describeStatus = (status: string, calibrated: Calibrated | null): string => {
  if (calibrated !== null && calibrated.winner !== 'rounds' && status === 'converged') {
    return 'converged: the ridge that won was solved';
  }
  const ofRounds = calibrated?.winner === 'rounds' ? calibratedMeanings[calibrated.effort][status] : undefined;
  return ofRounds ?? meanings[status] ?? status;
};
