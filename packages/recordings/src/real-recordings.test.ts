import { requires, sharedPath } from '@drnn/testing';
import { describe, expect, it } from 'vitest';
import { openArrayFile } from './array-file.js';
import { inspect, readArray, readBytes, readRecording } from './read-file.js';

const zebrafish = (extension: string): string => sharedPath('recordings', `zebrafish-tectum-20151104-f1.${extension}`);
const nwb = sharedPath('recordings', 'time-series-example.nwb');

describe.skipIf(!requires('shared'))('real recordings', () => {
  it('reads the zebrafish alike from MATLAB and csv, to the five digits that csv has', async () => {
    const mat = await readRecording(zebrafish('mat'), { key: 'activity_matrix', layout: 'unit-time' });
    const csv = await readRecording(zebrafish('csv'), { layout: 'unit-time' });
    expect([mat.rates.rows, mat.rates.columns]).toEqual([4245, 114]);
    expect([csv.rates.rows, csv.rates.columns]).toEqual([4245, 114]);
    // Half a unit of the fifth significant digit is at most 5e-5 of the number.
    let worst = 0;
    for (let i = 0; i < mat.rates.data.length; i++) {
      const exact = mat.rates.data[i]!;
      worst = Math.max(worst, Math.abs(csv.rates.data[i]! - exact) / Math.max(Math.abs(exact), 1e-12));
    }
    expect(worst).toBeLessThanOrEqual(5.0001e-5);
    expect(worst).toBeGreaterThan(1e-6);
  });

  it('asks which array of the MATLAB file, and lists them', async () => {
    await expect(readRecording(zebrafish('mat'))).rejects.toThrow(
      /activity_matrix double \[114, 4245\], cell_coordinates double \[114, 2\]/,
    );
    const { arrays } = await inspect(zebrafish('mat'));
    expect(arrays.map(({ name, type }) => [name, type])).toEqual([
      ['activity_matrix', 'double'],
      ['cell_coordinates', 'double'],
      ['detected_assemblies', 'cell'],
    ]);
  });

  it('reads a time series of an NWB file, links and sampling included', async () => {
    const { arrays, format } = await inspect(nwb);
    expect(format).toBe('hdf5');
    const names = arrays.map(({ name }) => name);
    expect(names).toContain('acquisition/test_sine_1/data');
    const { array, source } = await readArray(nwb, { key: 'acquisition/test_sine_1' });
    expect(array.type).toBe('float64');
    // The showcase file holds sin(t / 4) at t = 0, 1, 2, ... s.
    expect(array.data).toHaveLength(100);
    array.data.forEach((value, t) => expect(value).toBeCloseTo(Math.sin(t / 4), 14));
    const file = await openArrayFile(await readBytes(nwb), nwb);
    expect(await file.sampling('acquisition/test_sine_1')).toEqual({ interval: 1, notes: [] });
    expect(source.key).toBe('acquisition/test_sine_1');
  });
});
