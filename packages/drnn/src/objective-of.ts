import { matching, type Objective, type Transfer } from '@drnn/objectives';
import { failure } from '@drnn/tensor';
import { connectionsAtLags } from './fit-observations.js';
import { countsIssue, type Settings, transferOf } from './fit-options.js';
import type { NetworkFacts } from './prepared.js';
import { constraintsOf, penaltyOf } from './structure-options.js';

/** The objective that the options of a fit ask for. */
export const objectiveOf = (settings: Settings, transfer: Transfer, of: NetworkFacts): Objective => {
  const penalty = penaltyOf(settings);
  return {
    ...matching(transfer, {
      weights:
        settings.sampleWeights !== undefined
          ? { kind: 'explicit', values: settings.sampleWeights }
          : settings.weights === 'capped'
            ? { kind: 'capped', cap: settings.weightCap }
            : settings.weights === 'calibrated'
              ? { kind: 'calibrated', kappa: settings.kappa }
              : settings.weights,
      clip: settings.clip,
      ridge: settings.ridge,
      ...(penalty === undefined ? {} : { penalty }),
      constraints: constraintsOf(
        settings.connections === undefined
          ? settings
          : {
              ...settings,
              connections: connectionsAtLags(settings.connections, of.units, of.inputLags.length, of.inputs),
            },
      ),
    }),
    name: settings.loss,
  };
};

/** The transfer function of the network: that of an objective of one's own, or of the loss. */
export const transferFor = (own: Objective | undefined, settings: Settings): Transfer => {
  if (own === undefined) return transferOf(settings.loss);
  if (own.transfer === null) {
    throw failure({
      path: 'objective',
      seen: 'an objective without a transfer function',
      expected: 'one, since a network needs it to run',
      hint: 'give `transfer` with the loss, or solve the problem alone with `run`',
    });
  }
  if (settings.estimator === 'calibrated' && own.transfer.name === 'exp') {
    throw failure(countsIssue('objective', 'an objective of exponential rates'));
  }
  return own.transfer;
};
