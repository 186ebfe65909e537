import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contestOf, reachedOf, standardErrors } from './reached.js';

const roundsAt = (median: number, worst: number) => ({
  winner: 'rounds' as const,
  choice: null,
  rounds: [{ remaining: { median, worst }, converged: true }],
});

describe('reachedOf', () => {
  it('says of a full fit how near the worst unit came', () => {
    expect(reachedOf(roundsAt(1e-4, 0.0049), 'full', 'converged')).toBe(
      'Every unit came within a tenth of a standard error of the optimum of the last round (the worst 0.070)',
    );
  });

  it('does not hide the worst unit of a quick fit', () => {
    const said = reachedOf(roundsAt(0.04, 9), 'quick', 'converged');
    expect(said).toMatch(/^Every unit came within 3\.0 standard errors .* \(the median 0\.20\)/);
  });

  it('never speaks of an optimum reached where the fit did not converge', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('max-steps', 'aborted', 'stalled'),
        fc.constantFrom<'quick' | 'full'>('quick', 'full'),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        (status, effort, worst) => {
          const said = reachedOf(roundsAt(worst / 2, worst), effort, status);
          expect(said).toContain(status);
          expect(said).not.toMatch(/reached|came within/);
        },
      ),
    );
    expect(reachedOf({ winner: 'rounds', choice: null, rounds: [] }, 'full', 'aborted')).toContain('before a round');
  });

  it('names the ridge that won', () => {
    const ridge = { winner: 'cross-entropy', choice: null, rounds: [] } as const;
    expect(reachedOf(ridge, 'full', 'converged')).toMatch(/^Plain ridge \(cross-entropy without weights\) won/);
  });
});

it('a hundredth of P is a tenth of a standard error', () => {
  expect(standardErrors(0.01)).toBe('0.10');
  expect(standardErrors(1)).toBe('1.0');
  expect(standardErrors(1e-12)).toBe('less than 0.001');
  expect(standardErrors(Number.NaN)).toBe('an unknown number of');
});

it('the contest is said with what was not run', () => {
  const scores = { rounds: 0.9, 'least-squares': 0.8, 'cross-entropy': null };
  const choice = { winner: 'rounds', strength: null, tempering: 1, scores, margin: 0.1, blocks: 1 } as const;
  expect(contestOf({ choice })).toBe(
    'drive R2 in a held-out block: rounds 0.9000, plain ridge with least squares 0.8000, with cross-entropy not run; the rounds won by 0.1000',
  );
  expect(contestOf({ choice: null })).toBe(null);
});
