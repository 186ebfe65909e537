const meanings: Readonly<Record<string, string>> = {
  converged: 'converged: residual and error bound are at or below the tolerance',
  'max-steps': 'stopped at the largest number of steps before it converged',
  stalled: 'stalled: neither the residual nor the error bound could be lowered further',
  'precision-floor': 'stopped at the precision of the arithmetic before it reached the tolerance',
  'non-finite': 'failed: a number was not finite',
  aborted: 'interrupted: this is the last good state',
};

/** How the fit ended, in words. */
export const describeStatus = (status: string): string => meanings[status] ?? status;
