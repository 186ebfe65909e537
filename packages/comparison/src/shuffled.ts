import type { AttractorNetwork } from '@drnn/attractors';
import { randomStream, uniform } from '@drnn/simulator';
import { copyMatrix } from '@drnn/tensor';

/**
 * The network with the weights of every row in another order, those of a unit on itself in their place: each unit has
 * the weights that it had, from units that they are not from. What a comparison finds in it is chance. Cost N^2.
 */
export const shuffled = <Network extends AttractorNetwork>(network: Network, seed = 1): Network => {
  const W = copyMatrix(network.W);
  const n = W.rows;
  const stream = randomStream(seed, 'shuffled weights');
  for (let i = 0; i < n; i++) {
    const generator = stream(i);
    const row = W.data.subarray(i * n, (i + 1) * n);
    for (let j = n - 1; j > 0; j--) {
      if (j === i) continue;
      let k = Math.floor(uniform(generator) * (j + 1));
      if (k === i) k = j;
      const held = row[j]!;
      row[j] = row[k]!;
      row[k] = held;
    }
  }
  return { ...network, W };
};
