import { describe, expect, it } from 'vitest';
import { DrnnError } from './error.js';
import type { Host, HostKernels } from './host.js';
import { completeHost } from './host-defaults.js';
import { hostLaws, lawParameters } from './laws/index.js';
import { copyMatrix, identity, type Matrix, matrix } from './matrix.js';
import { expectSquare, outOrNew, productShape, solveShape } from './shapes.js';

/** The smallest host: textbook loops for the four kernels that every host must bring. */
const at = (a: Matrix, i: number, j: number): number => a.data[i * a.columns + j] ?? Number.NaN;

const matMul: Host['matMul'] = (a, b, options = {}) => {
  const { rows, inner, columns, out } = productShape(a, b, options);
  const { alpha = 1, beta = 0 } = options;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < inner; k++)
        sum +=
          (options.transposeA === true ? at(a, k, i) : at(a, i, k)) *
          (options.transposeB === true ? at(b, j, k) : at(b, k, j));
      out.data[i * columns + j] = alpha * sum + (beta === 0 ? 0 : beta * at(out, i, j));
    }
  }
  return out;
};

const cholesky: Host['cholesky'] = (a, out) => {
  const n = expectSquare('cholesky', a);
  const source = copyMatrix(a);
  const lower = outOrNew('cholesky', out, n, n);
  lower.data.fill(0);
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = at(source, i, j);
      for (let k = 0; k < j; k++) sum -= at(lower, i, k) * at(lower, j, k);
      if (i === j && !(sum > 0 && sum < Infinity)) return { ok: false, pivot: j };
      lower.data[i * n + j] = i === j ? Math.sqrt(sum) : sum / at(lower, j, j);
    }
  }
  return { ok: true, factor: { order: n, lower } };
};

const triangularSolve: Host['triangularSolve'] = (lower, b, options = {}) => {
  const n = expectSquare('triangularSolve', lower);
  const x = solveShape('triangularSolve', n, b, options.out);
  x.data.set(b.data);
  for (let step = 0; step < n; step++) {
    const i = options.transpose === true ? n - 1 - step : step;
    for (let j = 0; j < x.columns; j++) {
      let sum = at(x, i, j);
      for (let done = 0; done < step; done++) {
        const k = options.transpose === true ? n - 1 - done : done;
        sum -= (options.transpose === true ? at(lower, k, i) : at(lower, i, k)) * at(x, k, j);
      }
      x.data[i * x.columns + j] = sum / at(lower, i, i);
    }
  }
  return x;
};

const kernels: HostKernels = {
  name: 'textbook',
  matMul,
  cholesky,
  triangularSolve,
  eigh: () => ({ values: new Float64Array(0), vectors: matrix(0, 0) }),
};

describe('a host completed from four kernels', () => {
  const host = completeHost(kernels);
  // The textbook eigensolver is missing on purpose: nothing derives from it.
  it.each(hostLaws.filter(({ name }) => name !== 'eigh').map((law) => [law.name, law] as const))(
    'obeys %s',
    (_, law) => {
      law.check(host, lawParameters({ runs: 15 }));
    },
  );

  it('keeps what its kernels bring', () => {
    const gram: Host['gram'] = () => identity(3);
    expect(completeHost({ ...kernels, gram }).gram).toBe(gram);
  });

  it('names every shape that is wrong', () => {
    const request = {
      weights: matrix(3, 2),
      initial: matrix(1, 2),
      drive: matrix(3, 3),
      steps: 2,
      leak: new Float64Array(1),
      update: { kind: 'variable', name: 'q' },
    } as const;
    try {
      host.scan(request);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(DrnnError);
      if (error instanceof DrnnError)
        expect(error.issues.map(({ path }) => path)).toEqual([
          'scan weights',
          'scan drive',
          'scan leak',
          'scan update',
        ]);
    }
  });

  it('drops an unknown whose pivot is at the tolerance', () => {
    // x + y seen twice: one of the two unknowns carries all of it.
    const systems = Float64Array.of(1, 1, 1, 1);
    const rightSides = Float64Array.of(3, 3);
    host.solveBatch(systems, rightSides, 2, 1);
    expect(Array.from(rightSides)).toEqual([3, 0]);
  });
});
