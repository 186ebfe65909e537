import { bettiNumbers } from '@drnn/geometry';
import { fillGaussian, randomStream, uniform } from '@drnn/simulator';
import { matrix } from '@drnn/tensor';

/**
 * Components, loops and voids of noisy shapes, counted with surrogates: how often they are right. `node
 * bench/dist/topology.js [seeds [surrogates [seeds with voids]]]`.
 */

const [seeds = 100, surrogates = 100, voidSeeds = 10] = process.argv.slice(2).map(Number);

interface Shape {
  readonly units: number;
  readonly betti: readonly [components: number, loops: number, voids: number];
  readonly of: (random: () => number) => readonly number[];
}

const turn = (random: () => number): number => 2 * Math.PI * random();
const circle = (angle: number, size = 1): readonly number[] => [size * Math.cos(angle), size * Math.sin(angle)];

const shapes: Readonly<Record<string, Shape>> = {
  circle: { units: 2, betti: [1, 1, 0], of: (random) => circle(turn(random)) },
  disc: { units: 2, betti: [1, 0, 0], of: (random) => circle(turn(random), Math.sqrt(random())) },
  'two blobs': { units: 2, betti: [2, 0, 0], of: (random) => (random() < 0.5 ? [-1, 0] : [1, 0]) },
  torus: { units: 4, betti: [1, 2, 1], of: (random) => [...circle(turn(random)), ...circle(turn(random))] },
  sphere: {
    units: 3,
    betti: [1, 0, 1],
    of: (random) => {
      const height = 2 * random() - 1;
      return [...circle(turn(random), Math.sqrt(1 - height * height)), height];
    },
  },
};

const FRAMES = 1200;
/** Other clouds than those that the ratios of `bettiNumbers` were chosen by. */
const FIRST = 1000;
const NOISE = 0.1;

for (const dimension of [1, 2] as const) {
  for (const [name, { units, betti, of }] of Object.entries(shapes)) {
    const start = process.cpuUsage();
    const counts = new Map<string, number>();
    let right = 0;
    const count = dimension === 2 ? voidSeeds : seeds;
    for (let seed = FIRST + 1; seed <= FIRST + count; seed++) {
      const states = matrix(FRAMES, units);
      const stream = randomStream(seed, name);
      const noise = new Float64Array(units);
      for (let t = 0; t < FRAMES; t++) {
        const generator = stream(t);
        const at = of(() => uniform(generator));
        fillGaussian(generator, NOISE, noise);
        at.forEach((value, i) => (states.data[t * units + i] = value + noise[i]!));
      }
      const found = bettiNumbers(states, { seed, surrogates, dimension });
      const key = [found.components, found.loops, ...(found.voids === null ? [] : [found.voids])].join(' ');
      counts.set(key, (counts.get(key) ?? 0) + 1);
      if (key === betti.slice(0, dimension + 1).join(' ')) right += 1;
    }
    const { user, system } = process.cpuUsage(start);
    const seen = [...counts].map(([key, times]) => `(${key}) ${times}x`).join(', ');
    console.log(
      `${name}, up to dimension ${dimension}: ${right} of ${count} right: ${seen}; ${((user + system) / 1e6).toFixed(0)} s`,
    );
  }
}
