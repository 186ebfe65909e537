import { qr } from '@drnn/linalg';
import { fillGaussian, randomStream, uniform } from '@drnn/simulator';
import { type Matrix, matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { circularAgreement, circularCoordinates, correlationDimension, distancesOf, splineManifold } from './index.js';

const gaussian = (rows: number, columns: number, seed: number): Matrix => {
  const a = matrix(rows, columns);
  fillGaussian(randomStream(seed, 'test')(0), 1, a.data);
  return a;
};

/** A ring among units that each prefer a direction, cos(theta - phi_i), with noise of each unit. */
const ring = (count: number, units: number, noise: number, seed: number): { states: Matrix; angles: Float64Array } => {
  const generator = randomStream(seed, 'ring')(0);
  const angles = Float64Array.from({ length: count }, () => 2 * Math.PI * uniform(generator));
  const states = matrix(
    count,
    units,
    gaussian(count, units, seed).data.map((x) => noise * x),
  );
  angles.forEach((angle, k) => {
    for (let i = 0; i < units; i++) states.data[k * units + i]! += Math.cos(angle - (2 * Math.PI * i) / units);
  });
  return { states, angles };
};

const degrees = (radians: number): number => (radians * 180) / Math.PI;

describe('circularCoordinates', () => {
  it('go once round a polygon at equal steps', () => {
    const polygon = matrix(24, 2);
    for (let k = 0; k < 24; k++) polygon.data.set([Math.cos((Math.PI * k) / 12), Math.sin((Math.PI * k) / 12)], 2 * k);
    const found = circularCoordinates(distancesOf(polygon));
    const truth = Array.from({ length: 24 }, (_, k) => (Math.PI * k) / 12);
    expect(circularAgreement(found?.angles ?? [], truth).error).toBeLessThan(1e-9);
    expect(found?.bar.death).toBeCloseTo(2 * Math.sin(Math.PI / 3), 12);
  });

  it('have both angles of a torus', () => {
    // A grid of 12 x 12 with circles of other sizes: by its symmetry the coordinates are exact.
    const turns = Array.from({ length: 144 }, (_, k) => [(Math.PI * (k % 12)) / 6, (Math.PI * Math.floor(k / 12)) / 6]);
    const states = matrix(144, 4);
    turns.forEach(([a = 0, b = 0], k) => {
      states.data.set([Math.cos(a), Math.sin(a), 0.8 * Math.cos(b), 0.8 * Math.sin(b)], 4 * k);
    });
    const distances = distancesOf(states);
    const first = circularCoordinates(distances)?.angles ?? [];
    const second = circularCoordinates(distances, { loop: 1 })?.angles ?? [];
    const agreement = (of: ArrayLike<number>, which: number): number =>
      circularAgreement(
        of,
        turns.map((pair) => pair[which] ?? 0),
      ).correlation;
    const straight = Math.min(agreement(first, 0), agreement(second, 1));
    const crossed = Math.min(agreement(first, 1), agreement(second, 0));
    expect(Math.max(straight, crossed)).toBeGreaterThan(1 - 1e-9);
  });

  it('are none without a loop', () => {
    const line = matrix(
      20,
      1,
      Float64Array.from({ length: 20 }, (_, k) => k),
    );
    expect(circularCoordinates(distancesOf(line))).toBeNull();
    expect(() => circularCoordinates(distancesOf(line), { prime: 4 })).toThrow('prime');
  });
});

describe('splineManifold', () => {
  it('decodes a ring it was not told of to what its noise allows, and states it has not seen', () => {
    const units = 16;
    const known = ring(600, units, 0.1, 1);
    const found = splineManifold(known.states, { topology: 'ring', knots: 12 });
    const fresh = ring(400, units, 0.1, 2);
    const places = found.decode(fresh.states).parameter.map((part) => 2 * Math.PI * part);
    const { error, correlation } = circularAgreement(places, fresh.angles);
    // The mean of |x| of a Gaussian of sd 0.1 / |dr/dtheta|, |dr/dtheta|^2 = units / 2: no estimator without bias beats it.
    const limit = (0.1 / Math.sqrt(units / 2)) * Math.sqrt(2 / Math.PI);
    expect(degrees(error)).toBeLessThan(3);
    expect(error).toBeLessThan(1.25 * limit);
    expect(correlation).toBeGreaterThan(0.998);
    expect(Math.abs(found.length / (2 * Math.PI * Math.sqrt(units / 2)) - 1)).toBeLessThan(0.02);
    const at = found.decode(matrix(1, units, found.stateAt(0.3)));
    expect(Math.abs((at.parameter[0] ?? 0) - 0.3)).toBeLessThan(1e-6);
    expect(at.distance[0]).toBeLessThan(1e-6);
  });

  it('decodes a curved line, whose ends it finds, and the flow along it', () => {
    const turn = qr(gaussian(8, 3, 4)).orthogonal;
    const generator = randomStream(5, 'line')(0);
    const truth = Float64Array.from({ length: 400 }, () => uniform(generator));
    // A helix of constant speed.
    const at = (s: number): readonly number[] => [Math.cos(4 * s), Math.sin(4 * s), 2 * s];
    const embedded = (rows: readonly (readonly number[])[], noise: number): Matrix => {
      const states = matrix(
        rows.length,
        8,
        gaussian(rows.length, 8, 6).data.map((x) => noise * x),
      );
      rows.forEach((row, k) => {
        for (let i = 0; i < 8; i++) row.forEach((x, j) => (states.data[k * 8 + i]! += x * turn.data[i * 3 + j]!));
      });
      return states;
    };
    const states = embedded(Array.from(truth, at), 0.03);
    const found = splineManifold(states, { topology: 'line', knots: 12 });
    const { parameter } = found.decode(states);
    const forward = parameter.reduce((sum, part, k) => sum + (part - 0.5) * (truth[k]! - 0.5), 0) > 0;
    let worst = 0;
    parameter.forEach((part, k) => (worst += Math.abs((forward ? part : 1 - part) - truth[k]!) / 400));
    expect(worst).toBeLessThan(0.015);
    expect(Math.abs(found.length / Math.hypot(4, 2) - 1)).toBeLessThan(0.03);
    const places = [0.3, 0.5, 0.7];
    const still = embedded(places.map(at), 0);
    const moving = embedded(
      places.map((s) => [-4 * Math.sin(4 * s), 4 * Math.cos(4 * s), 2]),
      0,
    );
    const { along, across } = found.flow(still, moving);
    along.forEach((speed) => expect(Math.abs(Math.abs(speed) / Math.hypot(4, 2) - 1)).toBeLessThan(0.03));
    across.forEach((speed) => expect(speed).toBeLessThan(0.25 * Math.hypot(4, 2)));
  });

  it('chooses more knots for a curve that bends more', () => {
    const wave = (bends: number): Matrix => {
      const states = matrix(
        400,
        2,
        gaussian(400, 2, 7).data.map((x) => 0.02 * x),
      );
      for (let k = 0; k < 400; k++) {
        states.data[2 * k]! += k / 100;
        states.data[2 * k + 1]! += 0.5 * Math.sin((bends * k) / 100);
      }
      return states;
    };
    const [few, many] = [1, 6].map((bends) => splineManifold(wave(bends), { topology: 'line', rounds: 8 }).knots);
    expect(many).toBeGreaterThan(few ?? 99);
  });

  it('says what it cannot do', () => {
    expect(() => splineManifold(matrix(10, 2), { topology: 'line' })).toThrow('40');
    const line = matrix(
      60,
      2,
      Float64Array.from({ length: 120 }, (_, k) => Math.floor(k / 2)),
    );
    expect(() => splineManifold(line, { topology: 'ring' })).toThrow('loop');
    expect(() => splineManifold(line, { topology: 'line', knots: 3 })).toThrow('knots');
  });
});

describe('correlationDimension', () => {
  it('is that of a line, a surface and a solid', () => {
    const generator = randomStream(9, 'dimension')(0);
    for (const dimension of [1, 2, 3]) {
      const states = matrix(900, 6);
      for (let k = 0; k < 900; k++) for (let j = 0; j < dimension; j++) states.data[k * 6 + j] = uniform(generator);
      expect(Math.abs(correlationDimension(states) / dimension - 1)).toBeLessThan(0.12);
    }
    expect(() => correlationDimension(matrix(20, 2))).toThrow('differ');
  });
});
