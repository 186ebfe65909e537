import { randomNetwork, simulate } from '@drnn/simulator';
import { matrix, type Matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { fit } from './index.js';

const units = 16;
const { W, initial } = randomNetwork({ units, gain: 3, seed: 3 });
const inputNoise = { kind: 'gaussian', size: 0.02 } as const;
const { rates } = simulate({ W, initial, alpha: 0.2, steps: 1500, inputNoise, seed: 3 });
const frames = rates.rows;

/** Some 5% of single entries, spread by a multiplicative hash. */
const observed = matrix(
  frames,
  units,
  Float64Array.from({ length: frames * units }, (_, i) =>
    i >= units && (i * 2654435761) % 2 ** 32 < 0.05 * 2 ** 32 ? 0 : 1,
  ),
);
const hidden = (value: number): Matrix =>
  matrix(
    frames,
    units,
    rates.data.map((r, i) => (observed.data[i] === 0 ? value : r)),
  );

const errorOf = (fitted: Float64Array): number => {
  let [wrong, size] = [0, 0];
  W.data.forEach((w, i) => {
    wrong += (fitted[i]! - w) ** 2;
    size += w ** 2;
  });
  return Math.sqrt(wrong / size);
};

const options = { alpha: 0.2, scale: 'none', backend: 'cpu', estimator: 'convex', observed } as const;

describe('missing model', () => {
  it('comes nearer to the network than dropping and interpolation, and to what all data tell', async () => {
    const [whole, dropped, bridged, filled] = await Promise.all([
      fit({ rates }, { alpha: 0.2, scale: 'none', backend: 'cpu', estimator: 'convex' }),
      fit({ rates }, { ...options, missing: 'drop' }),
      fit({ rates }, { ...options, missing: 'interpolate' }),
      fit({ rates }, { ...options, missing: 'model' }),
    ]);
    const [all, ...errors] = [whole, filled, dropped, bridged].map(({ model }) => errorOf(model.W.data));
    expect(errors[0]).toBeLessThan(Math.min(errors[1]!, errors[2]!));
    expect(errors[0]).toBeLessThan(1.15 * all!);
    expect(filled.filling?.fraction).toBeCloseTo(0.05, 2);
    expect(filled.filling?.rounds).toBeLessThanOrEqual(3);
    expect(filled.dropped).toMatchObject({ rows: 0, interpolated: 0 });
    expect(bridged.filling).toBeNull();
  });

  it('does not depend on what stands in missing entries', async () => {
    const models = await Promise.all(
      [Number.NaN, 1e9].map(
        async (value) => (await fit({ rates: hidden(value) }, { ...options, missing: 'model' })).model,
      ),
    );
    expect(models[0]).toEqual(models[1]);
  });

  it('holds out what it holds out: nothing of it enters the network that is scored', async () => {
    const changed = matrix(frames, units, rates.data.slice());
    for (let i = Math.floor(0.9 * frames) * units; i < changed.data.length; i++)
      changed.data[i] = -0.9 * changed.data[i]!;
    const [a, b] = await Promise.all(
      [rates, changed].map((r) => fit({ rates: r }, { ...options, missing: 'model', refit: false })),
    );
    expect(a?.model.W).toEqual(b?.model.W);
  });

  it('starts from repeated values where interpolation leaves nothing, and does nothing where nothing is missing', async () => {
    // In every frame one unit or the other has been away for long.
    const gone = matrix(
      frames,
      units,
      Float64Array.from({ length: frames * units }, (_, i) => {
        const [t, j] = [Math.floor(i / units), i % units];
        return t > 0 && Math.floor(t / 100) % 2 === j ? 0 : 1;
      }),
    );
    await expect(fit({ rates }, { ...options, observed: gone, missing: 'interpolate' })).rejects.toThrow(
      /no usable|1 transition/,
    );
    const { model, filling } = await fit({ rates }, { ...options, observed: gone, missing: 'model', maxSteps: 40 });
    expect(filling?.rounds).toBeGreaterThanOrEqual(2);
    expect(errorOf(model.W.data)).toBeLessThan(0.5);
    const whole = await fit(
      { rates },
      { alpha: 0.2, scale: 'none', backend: 'cpu', estimator: 'convex', missing: 'model' },
    );
    expect(whole.model).toEqual(
      (await fit({ rates }, { alpha: 0.2, scale: 'none', backend: 'cpu', estimator: 'convex' })).model,
    );
  });
});
