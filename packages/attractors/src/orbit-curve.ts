import { type Matrix, matrix } from '@drnn/tensor';
import { factor, solve } from './lu.js';
import { orthonormaliseRows } from './orthonormal-rows.js';

const HARMONICS = 8;
const ROUNDS = 30;
/** Of the mean distance from the middle: nearer to it there is no phase. */
const HOLLOW = 0.15;
/** Parts of a turn, in each of which there must be states. */
const SECTORS = 24;
/** What the curve may leave of the spread of the states. */
const LEFT = 0.1;

/**
 * A closed curve along states `[time, dimension]` that go round their mean, `[node, dimension]`: their phase is the angle in
 * the plane of their two widest directions, and the curve the Fourier series of eight harmonics that is nearest to them.
 * Null where they do not go all round, or are spread beside the curve. Cost: some 60 n a state.
 */
export const orbitCurve = ({ rows, columns: n, data }: Matrix, nodes = 2 * HARMONICS + 1): Matrix | null => {
  const mean = new Float64Array(n);
  for (let t = 0; t < rows; t++) for (let i = 0; i < n; i++) mean[i]! += data[t * n + i]! / rows;
  // Two directions by orthogonal iteration on the covariance.
  const axes = Float64Array.from({ length: 2 * n }, (_, k) => Math.sin(1 + 2.4 * k));
  const growth = new Float64Array(2);
  orthonormaliseRows(axes, 2, n, growth);
  const next = new Float64Array(2 * n);
  const plane = new Float64Array(2 * rows);
  const project = (): void => {
    for (let t = 0; t < rows; t++) {
      let [p, q] = [0, 0];
      for (let i = 0; i < n; i++) {
        const away = data[t * n + i]! - mean[i]!;
        p += axes[i]! * away;
        q += axes[n + i]! * away;
      }
      plane[2 * t] = p;
      plane[2 * t + 1] = q;
    }
  };
  for (let round = 0; round < ROUNDS; round++) {
    project();
    next.fill(0);
    for (let t = 0; t < rows; t++) {
      for (let i = 0; i < n; i++) {
        const away = data[t * n + i]! - mean[i]!;
        next[i]! += plane[2 * t]! * away;
        next[n + i]! += plane[2 * t + 1]! * away;
      }
    }
    axes.set(next);
    orthonormaliseRows(axes, 2, n, growth);
    if (!Number.isFinite(growth[0]!) || !Number.isFinite(growth[1]!)) return null;
  }
  project();
  // The two directions are made equally wide, so that a flat curve has a phase as a round one has.
  const widths = [0, 0];
  for (let t = 0; t < rows; t++) for (let d = 0; d < 2; d++) widths[d]! += plane[2 * t + d]! ** 2 / rows;
  if (!(widths[1]! > 1e-12 * widths[0]!)) return null;
  const angles = new Float64Array(rows);
  const sectors = new Uint8Array(SECTORS);
  let radius = 0;
  let least = Infinity;
  for (let t = 0; t < rows; t++) {
    const p = plane[2 * t]! / Math.sqrt(widths[0]!);
    const q = plane[2 * t + 1]! / Math.sqrt(widths[1]!);
    angles[t] = Math.atan2(q, p);
    const distance = Math.hypot(p, q);
    radius += distance / rows;
    least = Math.min(least, distance);
    sectors[Math.min(SECTORS - 1, Math.floor(SECTORS * (0.5 + angles[t]! / (2 * Math.PI))))] = 1;
  }
  if (!(least > HOLLOW * radius) || sectors.includes(0)) return null;

  const terms = 2 * HARMONICS + 1;
  const features = new Float64Array(terms);
  const featuresAt = (angle: number): void => {
    features[0] = 1;
    for (let h = 1; h <= HARMONICS; h++) {
      features[2 * h - 1] = Math.cos(h * angle);
      features[2 * h] = Math.sin(h * angle);
    }
  };
  const normal = new Float64Array(terms * terms);
  const right = matrix(n, terms);
  for (let t = 0; t < rows; t++) {
    featuresAt(angles[t]!);
    for (let a = 0; a < terms; a++) {
      for (let b = 0; b < terms; b++) normal[a * terms + b]! += features[a]! * features[b]!;
      for (let i = 0; i < n; i++) right.data[i * terms + a]! += features[a]! * data[t * n + i]!;
    }
  }
  // High harmonics only as far as they are needed.
  for (let a = 1; a < terms; a++) normal[a * terms + a]! += 1e-6 * rows * Math.ceil(a / 2) ** 2;
  const pivots = new Int32Array(terms);
  if (factor(normal, terms, pivots) === 0) return null;
  for (let i = 0; i < n; i++) solve(normal, terms, pivots, right.data.subarray(i * terms, (i + 1) * terms));
  const valueOf = (i: number): number => {
    let sum = 0;
    for (let a = 0; a < terms; a++) sum += features[a]! * right.data[i * terms + a]!;
    return sum;
  };
  let left = 0;
  let spread = 0;
  for (let t = 0; t < rows; t++) {
    featuresAt(angles[t]!);
    for (let i = 0; i < n; i++) {
      left += (data[t * n + i]! - valueOf(i)) ** 2;
      spread += (data[t * n + i]! - mean[i]!) ** 2;
    }
  }
  if (!(left <= LEFT ** 2 * spread)) return null;
  const out = matrix(nodes, n);
  for (let k = 0; k < nodes; k++) {
    featuresAt((2 * Math.PI * k) / nodes);
    for (let i = 0; i < n; i++) out.data[k * n + i] = valueOf(i);
  }
  return out;
};
