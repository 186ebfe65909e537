/** Files that a tired user gives by mistake. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { matrix } from '@drnn/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { MODEL_SCHEMA, type ModelRecord, numericArray, readRecording, recordingOf, writeModel } from './index.js';

const folder = mkdtempSync(join(tmpdir(), 'drnn-mistaken-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a mistaken file', () => {
  it('that is a model is refused as a recording', async () => {
    const path = join(folder, 'model.npz');
    const record: ModelRecord = {
      schema: MODEL_SCHEMA,
      status: 'converged',
      options: {},
      sources: [],
      versions: {},
      scores: null,
      details: {},
    };
    await writeModel(path, { W: matrix(3, 3), alpha: 0.1, record });
    await expect(readRecording(path, { key: 'W' })).rejects.toThrow(/a model of drnn.*--from/s);
  });

  it('whose first column is the time is read, and the column is named', () => {
    const frames = 50;
    const read = (step: (t: number) => number) =>
      recordingOf(
        'r',
        numericArray(
          [frames, 2],
          Float64Array.from({ length: 2 * frames }, (_, i) => (i % 2 === 0 ? step(i / 2) : Math.sin(i))),
        ),
        { layout: 'time-unit', source: { fileName: 'r', sha256: '', key: '' }, unitNames: ['time', 'cell'] },
      ).notes;
    expect(read((t) => 0.02 * t)).toEqual([expect.stringMatching(/^time rises in equal steps of 0\.02/)]);
    expect(read((t) => 0.02 * t + 0.001 * Math.sin(t))).toEqual([]);
    expect(read((t) => -0.02 * t)).toEqual([]);
  });
});
