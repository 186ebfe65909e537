import { fillGaussian, randomStream, uniform } from '@drnn/simulator';
import { type Matrix, matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distancesOf } from './distances.js';
import { landmarks } from './landmarks.js';
import { type Bar, persistentHomology } from './persistent-homology.js';

const cloud = (count: number, of: (k: number) => readonly number[]): Matrix => {
  const rows = Array.from({ length: count }, (_, k) => of(k));
  return matrix(count, rows[0]?.length ?? 0, Float64Array.from(rows.flat()));
};

const polygon = (n: number): Matrix =>
  cloud(n, (k) => [Math.cos((2 * Math.PI * k) / n), Math.sin((2 * Math.PI * k) / n)]);

const lengthOf = ({ birth, death }: Bar): number => death - birth;

/** Bars of loops, and of voids, by the reduction of the whole boundary matrix, the textbook's way. */
const barsByBoundary = ({ rows: n, data }: Matrix, dimension: 1 | 2): readonly (readonly [number, number])[] => {
  const simplices: { readonly vertices: readonly number[]; readonly at: number }[] = [];
  const diameter = (vertices: readonly number[]): number =>
    Math.max(0, ...vertices.flatMap((a) => vertices.map((b) => data[a * n + b]!)));
  const add = (vertices: readonly number[]): void => void simplices.push({ vertices, at: diameter(vertices) });
  for (let i = 0; i < n; i++) {
    add([i]);
    for (let j = 0; j < i; j++) {
      add([j, i]);
      for (let k = 0; k < j; k++) {
        add([k, j, i]);
        for (let l = 0; dimension === 2 && l < k; l++) add([l, k, j, i]);
      }
    }
  }
  simplices.sort(
    (p, q) => p.at - q.at || p.vertices.length - q.vertices.length || (p.vertices.join() < q.vertices.join() ? -1 : 1),
  );
  const place = new Map(simplices.map(({ vertices }, k) => [vertices.join(), k]));
  const columns = simplices.map(({ vertices }) =>
    vertices.length === 1
      ? new Set<number>()
      : new Set(vertices.map((_, v) => place.get(vertices.filter((__, k) => k !== v).join()) ?? -1)),
  );
  const lowest = new Map<number, number>();
  const bars: (readonly [number, number])[] = [];
  columns.forEach((column, k) => {
    while (column.size > 0) {
      const low = Math.max(...column);
      const other = lowest.get(low);
      if (other === undefined) {
        lowest.set(low, k);
        if (simplices[low]?.vertices.length === dimension + 1) bars.push([simplices[low].at, simplices[k]!.at]);
        break;
      }
      for (const entry of columns[other]!) if (!column.delete(entry)) column.add(entry);
    }
  });
  return bars.filter(([birth, death]) => death > birth).toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
};

describe('persistentHomology', () => {
  it.each([
    [12, 0.5176380902, 1.7320508076],
    [20, 0.3128689301, 1.7820130484],
    [60, 0.1046719125, 1.7320508076],
  ])('has the one bar of a polygon with %d corners', (n, birth, death) => {
    const { loops, components } = persistentHomology(distancesOf(polygon(n)));
    expect(loops.length).toBe(1);
    expect(Math.abs((loops[0]?.birth ?? 0) - birth)).toBeLessThan(1e-9);
    expect(Math.abs((loops[0]?.death ?? 0) - death)).toBeLessThan(1e-9);
    expect(Math.abs((loops[0]?.death ?? 0) - 2 * Math.sin((Math.PI * Math.ceil(n / 3)) / n))).toBeLessThan(1e-9);
    expect(components.length).toBe(n);
    expect(components[0]?.death).toBe(Infinity);
    expect(components.slice(1).every((bar) => Math.abs(bar.death - birth) < 1e-9)).toBe(true);
  });

  it('has the two long loops of a flat torus', () => {
    const torus = cloud(64, (k) => {
      const [a, b] = [(2 * Math.PI * (k % 8)) / 8, (2 * Math.PI * Math.floor(k / 8)) / 8];
      return [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)];
    });
    const { loops } = persistentHomology(distancesOf(torus));
    for (const bar of loops.slice(0, 2)) {
      expect(Math.abs(bar.birth - 0.7653668647)).toBeLessThan(1e-9);
      expect(Math.abs(bar.death - 1.847759065)).toBeLessThan(1e-9);
    }
    expect(loops.length).toBeGreaterThan(2);
    expect(loops.slice(2).every((bar) => Math.abs(bar.death - 1.0823922003) < 1e-9)).toBe(true);
  });

  it('agrees with the reduction of the whole boundary matrix', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 9999 }),
        (n, d, seed) => {
          const states = matrix(n, d);
          fillGaussian(randomStream(seed, 'cloud')(0), 1, states.data);
          // Some distances are equal, where the order of simplices is all that decides.
          if (seed % 2 === 0) states.data.forEach((value, k) => (states.data[k] = Math.round(2 * value)));
          const distances = distancesOf(states);
          const { loops, voids } = persistentHomology(distances, { dimension: 2 });
          const listed = (bars: readonly Bar[]): readonly (readonly [number, number])[] =>
            bars.map(({ birth, death }) => [birth, death] as const).toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
          expect(listed(loops)).toEqual(barsByBoundary(distances, 1));
          expect(listed(voids ?? [])).toEqual(barsByBoundary(distances, 2));
          expect(persistentHomology(distances)).toEqual({
            ...persistentHomology(distances, { dimension: 2 }),
            voids: null,
          });
        },
      ),
      { numRuns: 150 },
    );
  });

  it('has the void of an octahedron', () => {
    const octahedron = cloud(6, (k) => [0, 1, 2].map((j) => (j === k >> 1 ? (k % 2 === 0 ? 1 : -1) : 0)));
    const found = persistentHomology(distancesOf(octahedron), { dimension: 2 });
    // Edges of sqrt 2 close the surface; diagonals of 2 fill it.
    expect(found.voids?.length).toBe(1);
    expect(Math.abs((found.voids?.[0]?.birth ?? 0) - Math.SQRT2)).toBeLessThan(1e-12);
    expect(found.voids?.[0]?.death).toBe(2);
  });

  it('takes four hundred states without a shape in a moment', () => {
    const states = matrix(400, 10);
    fillGaussian(randomStream(1, 'cloud')(0), 1, states.data);
    const start = process.cpuUsage();
    expect(persistentHomology(distancesOf(states)).loops.length).toBeGreaterThan(100);
    const { user, system } = process.cpuUsage(start);
    // A quarter of a second on an idle machine; five are asked for.
    expect((user + system) / 1e6).toBeLessThan(5);
  });

  it('counts the parts and the holes of noisy shapes', () => {
    const normal = new Float64Array(4);
    const shapes: Record<string, (random: () => number) => readonly [number, number]> = {
      circle: (random) => {
        const angle = 2 * Math.PI * random();
        return [Math.cos(angle), Math.sin(angle)];
      },
      disc: (random) => {
        const [angle, size] = [2 * Math.PI * random(), Math.sqrt(random())];
        return [size * Math.cos(angle), size * Math.sin(angle)];
      },
      blobs: (random) => (random() < 0.5 ? [-1, 0] : [1, 0]),
    };
    const betti = (name: string, seed: number): readonly [number, number] => {
      const stream = randomStream(seed, name);
      const states = cloud(300, (k) => {
        const generator = stream(k);
        const at = shapes[name]!(() => uniform(generator));
        fillGaussian(generator, 0.1, normal);
        return at.map((value, i) => value + normal[i]!);
      });
      const outline = landmarks(states, 80);
      const { loops, components } = persistentHomology(
        distancesOf(cloud(80, (k) => [0, 1].map((j) => states.data[2 * outline[k]! + j]!))),
      );
      return [
        components.filter((bar) => lengthOf(bar) > 0.8).length,
        loops.filter((bar) => lengthOf(bar) > 0.6).length,
      ];
    };
    for (let seed = 1; seed <= 10; seed++) {
      expect([seed, ...betti('circle', seed)]).toEqual([seed, 1, 1]);
      expect([seed, ...betti('disc', seed)]).toEqual([seed, 1, 0]);
      expect([seed, ...betti('blobs', seed)]).toEqual([seed, 2, 0]);
    }
  });

  it('takes single states and equal ones, and refuses what is no distance', () => {
    expect(persistentHomology(matrix(1, 1))).toMatchObject({ components: [{ birth: 0, death: Infinity }], loops: [] });
    expect(persistentHomology(matrix(5, 5)).components.length).toBe(5);
    expect(() => persistentHomology(matrix(2, 2, Float64Array.of(0, 1, 2, 0)))).toThrow('symmetric');
    expect(() => persistentHomology(matrix(2, 3))).toThrow('distancesOf');
  });
});

describe('landmarks', () => {
  it('are spread as evenly as states allow', () => {
    const line = cloud(101, (k) => [k]);
    expect([...landmarks(line, 5, 0)].toSorted((a, b) => a - b)).toEqual([0, 25, 50, 75, 100]);
    expect(landmarks(line, 500).length).toBe(101);
    expect(() => landmarks(line, 3, 101)).toThrow('100');
  });
});
