import type { Estimate } from '@drnn/estimators';

/** What words about a calibrated fit are made of. */
export type Reached = Pick<Estimate, 'winner' | 'choice'> & {
  readonly rounds: readonly Pick<Estimate['rounds'][number], 'remaining' | 'converged'>[];
};

/** A plain ridge that can win, in words. */
export const ridgeNames = {
  'least-squares': 'least squares on inverted targets',
  'cross-entropy': 'cross-entropy without weights',
} as const;

/** What is left of a decrement g' H^-1 g over P, as a distance from the optimum in standard errors. */
export const standardErrors = (remaining: number): string => {
  const size = Math.sqrt(Math.max(0, remaining));
  return !Number.isFinite(size) ? 'an unknown number of' : size < 0.001 ? 'less than 0.001' : size.toPrecision(2);
};

/** How near a calibrated fit came, without a full stop. */
export const reachedOf = ({ winner, rounds }: Reached, effort: 'quick' | 'full', status: string): string => {
  if (winner !== 'rounds') {
    const name = `plain ridge (${ridgeNames[winner]})`;
    return status === 'converged'
      ? `${name[0]?.toUpperCase() ?? ''}${name.slice(1)} won against the noise-calibrated rounds, and its optimum was reached`
      : `The fit of ${name}, which won against the noise-calibrated rounds, ended as ${status}`;
  }
  const last = rounds.at(-1);
  if (last === undefined) return `The fit ended as ${status} before a round was done`;
  const worst = standardErrors(last.remaining.worst);
  if (status !== 'converged') {
    return `The fit ended as ${status}, with the worst unit ${worst} standard errors from the optimum of the last round`;
  }
  return effort === 'full'
    ? `Every unit came within a tenth of a standard error of the optimum of the last round (the worst ${worst})`
    : `Every unit came within ${worst} standard errors of the optimum of its round (the median ${standardErrors(last.remaining.median)})`;
};

/** How the rounds fared against plain ridge on rows held out, without a full stop; null where they were not compared. */
export const contestOf = ({ choice }: Pick<Reached, 'choice'>): string | null => {
  if (choice === null) return null;
  const r2 = (name: keyof typeof choice.scores): string => choice.scores[name]?.toFixed(4) ?? 'not run';
  const winner = choice.winner === 'rounds' ? 'the rounds' : ridgeNames[choice.winner];
  // Rounds that are as good as ridge are preferred.
  const outcome =
    choice.margin < 0
      ? `${winner} were kept, ${(-choice.margin).toFixed(4)} behind`
      : `${winner} won by ${choice.margin.toFixed(4)}${choice.tempering === 1 ? '' : `, with weights tempered ${choice.tempering} times`}`;
  return `drive R2 in ${choice.blocks === 1 ? 'a held-out block' : `${choice.blocks} held-out blocks`}: rounds ${r2('rounds')}, plain ridge with least squares ${r2('least-squares')}, with cross-entropy ${r2('cross-entropy')}; ${outcome}`;
};
