import { type Flow, flowOf } from './flow.js';
import { type IteratedMap, mapOf } from './iterated-map.js';

/** Systems whose dynamics are known, to try a method on. */

/** x'' = mu (1 - x^2) x' - x. */
export const vanDerPol = (mu: number): Flow =>
  flowOf({
    dimension: 2,
    velocity: (x, out) => {
      out[0] = x[1]!;
      out[1] = mu * (1 - x[0]! * x[0]!) * x[1]! - x[0]!;
    },
    jacobian: (x, { data }) => {
      data[0] = 0;
      data[1] = 1;
      data[2] = -2 * mu * x[0]! * x[1]! - 1;
      data[3] = mu * (1 - x[0]! * x[0]!);
    },
  });

/** The same in reversed time: its cycle repels. */
export const reversed = (flow: Flow): Flow => ({
  ...flow,
  velocity: (x, out) => {
    flow.velocity(x, out);
    for (let i = 0; i < out.length; i++) out[i] = -out[i]!;
  },
  tangent: (v, count, out) => {
    flow.tangent(v, count, out);
    for (let i = 0; i < count * flow.dimension; i++) out[i] = -out[i]!;
  },
  adjoint: (v, out) => {
    flow.adjoint(v, out);
    for (let i = 0; i < out.length; i++) out[i] = -out[i]!;
  },
  jacobian: (out) => {
    flow.jacobian(out);
    for (let i = 0; i < out.length; i++) out[i] = -out[i]!;
  },
  divergence: () => -flow.divergence(),
});

/** z' = (mu + i w) z - |z|^2 z. */
export const stuartLandau = (mu: number, w: number): Flow =>
  flowOf({
    dimension: 2,
    velocity: (x, out) => {
      const s = mu - x[0]! ** 2 - x[1]! ** 2;
      out[0] = s * x[0]! - w * x[1]!;
      out[1] = w * x[0]! + s * x[1]!;
    },
    jacobian: (x, { data }) => {
      const [p, q] = [x[0]!, x[1]!];
      const s = mu - p * p - q * q;
      data[0] = s - 2 * p * p;
      data[1] = -w - 2 * p * q;
      data[2] = w - 2 * p * q;
      data[3] = s - 2 * q * q;
    },
  });

/** sigma 10, rho 28, beta 8/3. */
export const lorenz = (): Flow =>
  flowOf({
    dimension: 3,
    velocity: (x, out) => {
      out[0] = 10 * (x[1]! - x[0]!);
      out[1] = x[0]! * (28 - x[2]!) - x[1]!;
      out[2] = x[0]! * x[1]! - (8 / 3) * x[2]!;
    },
    jacobian: (x, { data }) => {
      data.set([-10, 10, 0, 28 - x[2]!, -1, -x[0]!, x[1]!, x[0]!, -8 / 3]);
    },
  });

/** a = b = 0.2, c = 5.7. */
export const rossler = (): Flow =>
  flowOf({
    dimension: 3,
    velocity: (x, out) => {
      out[0] = -x[1]! - x[2]!;
      out[1] = x[0]! + 0.2 * x[1]!;
      out[2] = 0.2 + x[2]! * (x[0]! - 5.7);
    },
    jacobian: (x, { data }) => {
      data.set([0, -1, -1, 1, 0.2, 0, x[2]!, 0, x[0]! - 5.7]);
    },
  });

/** 1 - 1.4 x^2 + y, 0.3 x. */
export const henon = (): IteratedMap =>
  mapOf({
    dimension: 2,
    image: (x, out) => {
      const p = x[0]!;
      out[0] = 1 - 1.4 * p * p + x[1]!;
      out[1] = 0.3 * p;
    },
    jacobian: (x, { data }) => {
      data[0] = -2.8 * x[0]!;
      data[1] = 1;
      data[2] = 0.3;
      data[3] = 0;
    },
  });

/** r x (1 - x). */
export const logistic = (r: number): IteratedMap =>
  mapOf({
    dimension: 1,
    image: (x, out) => {
      out[0] = r * x[0]! * (1 - x[0]!);
    },
    jacobian: (x, { data }) => {
      data[0] = r * (1 - 2 * x[0]!);
    },
  });

/** (2x + y, x + y) mod 1. */
export const cat = (): IteratedMap =>
  mapOf({
    dimension: 2,
    image: (x, out) => {
      const [p, q] = [x[0]!, x[1]!];
      out[0] = (2 * p + q) % 1;
      out[1] = (p + q) % 1;
    },
    jacobian: (_, { data }) => {
      data.set([2, 1, 1, 1]);
    },
  });

/**
 * z <- z e^{2 pi i turns} (1 + s (|z|^2 - R^2)), and beside it, where it is given, y <- multiplier y: the circle |z| = R is
 * turned evenly, and what is beside it in the plane is multiplied by 1 + 2 s R^2.
 */
export const ring = (turns: number, s: number, radius: number, multiplier?: number): IteratedMap => {
  const [c, d] = [Math.cos(2 * Math.PI * turns), Math.sin(2 * Math.PI * turns)];
  const dimension = multiplier === undefined ? 2 : 3;
  return mapOf({
    dimension,
    image: (x, out) => {
      const [p, q] = [x[0]!, x[1]!];
      const scale = 1 + s * (p * p + q * q - radius * radius);
      out[0] = scale * (c * p - d * q);
      out[1] = scale * (d * p + c * q);
      if (multiplier !== undefined) out[2] = multiplier * x[2]!;
    },
    jacobian: (x, { data }) => {
      const [p, q] = [x[0]!, x[1]!];
      const scale = 1 + s * (p * p + q * q - radius * radius);
      data.fill(0);
      data[0] = scale * c + 2 * s * p * (c * p - d * q);
      data[1] = -scale * d + 2 * s * q * (c * p - d * q);
      data[dimension] = scale * d + 2 * s * p * (d * p + c * q);
      data[dimension + 1] = scale * c + 2 * s * q * (d * p + c * q);
      if (multiplier !== undefined) data[8] = multiplier;
    },
  });
};

/** g R(degrees), the weights of two units whose cycle is known. */
export const rotation = (gain: number, degrees: number): readonly (readonly number[])[] => {
  const angle = (degrees * Math.PI) / 180;
  const [c, s] = [gain * Math.cos(angle), gain * Math.sin(angle)];
  return [
    [c, -s],
    [s, c],
  ];
};
