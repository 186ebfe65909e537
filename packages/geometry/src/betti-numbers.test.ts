import { fillGaussian, randomStream, uniform } from '@drnn/simulator';
import { matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { bettiNumbers } from './betti-numbers.js';

const turn = (random: () => number): number => 2 * Math.PI * random();
const circle = (angle: number, size = 1): readonly number[] => [size * Math.cos(angle), size * Math.sin(angle)];

const shapes: Readonly<Record<string, (random: () => number) => readonly number[]>> = {
  circle: (random) => circle(turn(random)),
  disc: (random) => circle(turn(random), Math.sqrt(random())),
  blobs: (random) => (random() < 0.5 ? [-1, 0] : [1, 0]),
  torus: (random) => [...circle(turn(random)), ...circle(turn(random))],
  sphere: (random) => {
    const height = 2 * random() - 1;
    return [...circle(turn(random), Math.sqrt(1 - height * height)), height];
  },
};

const countedOf = (name: string, seed: number, options: Parameters<typeof bettiNumbers>[1]): readonly unknown[] => {
  const stream = randomStream(seed, name);
  const rows = Array.from({ length: 1000 }, (_, t) => {
    const generator = stream(t);
    const at = shapes[name]!(() => uniform(generator));
    const noise = new Float64Array(at.length);
    fillGaussian(generator, 0.1, noise);
    return at.map((value, i) => value + noise[i]!);
  });
  const states = matrix(1000, rows[0]?.length ?? 0, Float64Array.from(rows.flat()));
  const { components, loops, voids } = bettiNumbers(states, { frames: 1000, seed, ...options });
  return [components, loops, voids];
};

describe('bettiNumbers', () => {
  it('counts the parts and loops of noisy shapes, and calls none of a disc one', () => {
    // A hundred clouds of each are a bench: topology.
    for (const [name, betti] of [
      ['circle', [1, 1, null]],
      ['disc', [1, 0, null]],
      ['blobs', [2, 0, null]],
      ['torus', [1, 2, null]],
    ] as const) {
      expect([name, ...countedOf(name, 11, { surrogates: 10 })]).toEqual([name, ...betti]);
    }
  });

  it('counts voids where they are asked for', () => {
    const options = { dimension: 2, surrogates: 0, landmarks: 110 } as const;
    expect(countedOf('sphere', 5, options)).toEqual([1, 0, 1]);
    expect(countedOf('torus', 5, { ...options, landmarks: 150 })).toEqual([1, 2, 1]);
  });

  it('sees no ring in units that each go round in their own time', () => {
    const states = matrix(900, 4);
    for (let t = 0; t < 900; t++) {
      for (let i = 0; i < 4; i++) states.data[t * 4 + i] = Math.cos((0.05 + 0.013 * i) * t + i);
    }
    expect(bettiNumbers(states, { surrogates: 10, frames: 900 }).loops).toBe(0);
  });

  it('takes states that are all equal, and refuses what it cannot use', () => {
    expect(bettiNumbers(matrix(30, 2), { surrogates: 2 })).toMatchObject({ components: 1, loops: 0, voids: null });
    expect(() => bettiNumbers(matrix(5, 2), { trimmed: 1, surrogates: -1 })).toThrow(/states[^]*trimmed[^]*surrogates/);
    expect(() => bettiNumbers(matrix(30, 1, new Float64Array(30).fill(Number.NaN)))).toThrow('finite');
  });
});
