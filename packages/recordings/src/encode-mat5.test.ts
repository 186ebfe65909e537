import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { matrixOf } from '@drnn/tensor';
import { capability, requires } from '@drnn/testing';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeMat5, type MatContents } from './encode-mat5.js';
import { encodeModelAsMat, encodeModelForPytorch } from './export-model.js';
import { openMat5 } from './mat5.js';
import { type Model, modelOf, type ModelRecord } from './model.js';
import { numericArray, type NumericType } from './numeric-array.js';

const folder = mkdtempSync(join(tmpdir(), 'drnn-mat-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const record: ModelRecord = {
  schema: 1,
  status: 'converged',
  options: { ridge: { value: 1e-5, given: true } },
  sources: [],
  versions: { drnn: '0' },
  scores: null,
  details: { unitNames: ['café', 'Zelle 2'] },
};

const model: Model = modelOf({
  W: matrixOf([
    [0, 0.1],
    [-2.5, 0],
  ]),
  Win: matrixOf([
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ]),
  inputLags: [0, 2],
  b: Float64Array.of(0.25, -1 / 3),
  alpha: Float64Array.of(0.1, 0.2),
  scale: Float64Array.of(2, 4),
  offset: Float64Array.of(1, -1),
  groups: ['V1', 'PFC'],
  record,
});

describe('encodeMat5', () => {
  it('writes what openMat5 reads: any shape, numbers and texts', () => {
    const size = fc.integer({ min: 0, max: 4 });
    const numbers = fc
      .tuple(size, size, size)
      .chain((shape) =>
        fc
          .array(fc.double(), { minLength: shape[0] * shape[1] * shape[2], maxLength: shape[0] * shape[1] * shape[2] })
          .map((values) => ({ shape, values })),
      );
    fc.assert(
      fc.property(numbers, fc.array(fc.string({ maxLength: 6 })), fc.string(), ({ shape, values }, texts, text) => {
        const array = numericArray(shape, Float64Array.from(values));
        const mat = openMat5(encodeMat5({ array, texts, text }));
        expect(mat.array('array')).toEqual(array);
        const cells = mat.value('texts');
        expect(
          cells.kind === 'cell' ? cells.cells.map((cell) => (cell.kind === 'char' ? cell.text : null)) : null,
        ).toEqual(texts);
        expect(mat.value('text')).toMatchObject({ kind: 'char', text });
      }),
    );
  });

  it('gives equal bytes for equal variables, and refuses names that MATLAB does not take', () => {
    expect(encodeModelAsMat(model)).toEqual(encodeModelAsMat(model));
    expect(() => encodeMat5({ 'a.b': 'x', _c: 'y' })).toThrow(/"a\.b"[^]*"_c"/);
  });
});

describe.skipIf(!requires('scipy'))('exported files in Python', () => {
  const run = (script: string): void => {
    execFileSync(capability('scipy').command ?? 'python3', ['-c', `import numpy as np, json\n${script}`], {
      cwd: folder,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  };
  const put = (name: string, bytes: Uint8Array): void => writeFileSync(join(folder, name), bytes);

  it('scipy reads every type and shape', () => {
    const types: readonly NumericType[] = ['float64', 'int64', 'uint64'];
    const contents: Record<string, MatContents> = {
      cube: numericArray(
        [2, 3, 4],
        Float64Array.from({ length: 24 }, (_, i) => i),
      ),
      column: numericArray([3], Float32Array.of(1, 2, 3)),
      one: numericArray([], Int8Array.of(-7)),
      none: numericArray([2, 0], new Float64Array(0)),
      mask: numericArray([1, 2], Uint8Array.of(1, 0), 'bool'),
      text: 'grüße',
      empty: '',
      names: ['a', 'grüße', '', '😀bcdefghij'],
      i16: numericArray([2, 2], Int16Array.of(-1, 2, 3, 4)),
    };
    for (const type of types) contents[`t_${type}`] = numericArray([2], Float64Array.of(1, 2 ** 40), type);
    put('all.mat', encodeMat5(contents));
    run(`
import scipy.io as io
m = io.loadmat('all.mat')
assert (m['cube'] == np.arange(24.).reshape(2, 3, 4)).all()
assert m['column'].dtype == np.float32 and m['column'].ravel().tolist() == [1, 2, 3] and m['column'].shape == (3, 1)
assert m['one'].dtype == np.int8 and m['one'].shape == (1, 1) and m['one'][0, 0] == -7
assert m['none'].shape == (2, 0)
assert io.whosmat('all.mat')[4] == ('mask', (1, 2), 'logical') and m['mask'].tolist() == [[1, 0]]
assert m['text'][0] == 'grüße' and m['empty'].size == 0
assert [c[0].item() if c[0].size else '' for c in m['names']] == ['a', 'grüße', '', '😀bcdefghij']
assert m['i16'].tolist() == [[-1, 2], [3, 4]]
for t in ['float64', 'int64', 'uint64']: assert m['t_' + t].dtype == t and m['t_' + t].ravel().tolist() == [1, 2**40]
`);
  });

  it('scipy reads a model, with names, groups and record', () => {
    put('model.mat', encodeModelAsMat(model));
    run(`
import scipy.io as io
m = io.loadmat('model.mat', squeeze_me=True)
assert m['W'].tolist() == [[0, .1], [-2.5, 0]] and m['Win'].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
assert m['b'].tolist() == [.25, -1 / 3] and m['alpha'].tolist() == [.1, .2]
assert m['scale'].tolist() == [2, 4] and m['offset'].tolist() == [1, -1] and m['inputLags'].tolist() == [0, 2]
assert m['unitNames'].tolist() == ['café', 'Zelle 2'] and m['groups'].tolist() == ['V1', 'PFC']
assert json.loads(str(m['record']))['details']['unitNames'] == ['café', 'Zelle 2']
`);
  });

  it('numpy reads the state of torch.nn.RNN, whose step is ours at alpha 1', () => {
    put('torch.npz', encodeModelForPytorch(model, 'tanh'));
    put('alone.npz', encodeModelForPytorch(modelOf({ W: model.W, alpha: 1 }), 'relu'));
    run(`
z = np.load('torch.npz')
for k, shape in dict(weight_ih_l0=(2, 4), weight_hh_l0=(2, 2), bias_ih_l0=(2,), bias_hh_l0=(2,), alpha=(2,)).items():
    assert z[k].dtype == np.float32 and z[k].shape == shape, k
h, x = np.array([.3, -.2]), np.array([1., 0, -1, .5])
step = np.tanh(z['weight_ih_l0'] @ x + z['bias_ih_l0'] + z['weight_hh_l0'] @ h + z['bias_hh_l0'])
ours = np.tanh(np.array([[0, .1], [-2.5, 0]]) @ h + np.array([[1., 2, 3, 4], [5, 6, 7, 8]]) @ x + np.array([.25, -1 / 3]))
assert abs(step - ours).max() < 1e-6
assert z['nonlinearity'].tolist() == ['tanh'] and z['groups'].tolist() == ['V1', 'PFC']
assert json.loads(z['drnn.json'])['status'] == 'converged'
a = np.load('alone.npz')
assert a['weight_ih_l0'].shape == (2, 1) and not a['weight_ih_l0'].any()
`);
  });
});
