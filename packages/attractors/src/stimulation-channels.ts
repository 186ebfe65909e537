import { firstNonFinite, type Issue, type Matrix, matrix, refuse } from '@drnn/tensor';
import type { HeldNetwork } from './network.js';

/**
 * Where a stimulus enters: through the `inputs` of the network, as a current into each of some units (all by default), or
 * as a mix `[unit, channel]` of currents, such as the illumination of each unit by each light.
 */
export type Channels = 'inputs' | { readonly units: readonly number[] } | Matrix;

const isMatrix = (channels: Channels): channels is Matrix => typeof channels === 'object' && 'data' in channels;

/** Which units a list means; what is wrong with it otherwise. */
export const unitIssues = (path: string, units: readonly number[], count: number): readonly Issue[] => {
  const wrong = units.find((unit) => !(Number.isInteger(unit) && unit >= 0 && unit < count));
  if (wrong !== undefined) return [{ path, seen: `unit ${wrong}`, expected: `units from 0 to ${count - 1}` }];
  return new Set(units).size === units.length && units.length > 0
    ? []
    : [{ path, seen: `[${units.join(', ')}]`, expected: 'at least one unit, each once' }];
};

/** E `[unit, channel]`: what a stimulus u adds to the currents, E u. Errors: shapes; units that are not there. */
export const channelMatrix = ({ units: n, Win }: HeldNetwork, channels: Channels | undefined): Matrix => {
  if (channels === 'inputs') {
    refuse(
      Win.columns > 0
        ? []
        : [{ path: 'channels', seen: 'inputs of a network without any', expected: 'units, or [unit, channel]' }],
    );
    return Win;
  }
  if (channels !== undefined && isMatrix(channels)) {
    refuse(
      channels.rows === n && channels.columns >= 1 && firstNonFinite(channels.data) < 0
        ? []
        : [
            {
              path: 'channels',
              seen: `[${channels.rows}, ${channels.columns}]`,
              expected: `[unit=${n}, channel], finite numbers`,
            },
          ],
    );
    return channels;
  }
  const units = channels?.units ?? Array.from({ length: n }, (_, i) => i);
  refuse(unitIssues('channels', units, n));
  const E = matrix(n, units.length);
  units.forEach((unit, k) => (E.data[unit * units.length + k] = 1));
  return E;
};
