import { matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { groupWeights } from './group-weights.js';
import { renderReport } from './index.js';
import { sampleReport } from './sample-report.test.data.js';

describe('groupWeights', () => {
  it('averages over pairs of different units, target by source', () => {
    const W = matrixOf([
      [9, 1, 2],
      [3, 9, 4],
      [6, -8, 9],
    ]);
    const { mean, size, units } = groupWeights(W, { names: ['a', 'b'], index: Int32Array.of(0, 0, 1) });
    expect([...units]).toEqual([2, 1]);
    expect([...mean.data]).toEqual([2, 3, -1, Number.NaN]);
    expect(size.data[2]).toBeCloseTo(Math.sqrt(50), 12);
  });

  it('stand in the report, in a figure and in numbers, where there are groups', () => {
    const groups = { names: ['<PFC>', 'V1'], index: Int32Array.of(0, 1, 1, 0, 1) };
    const page = renderReport({ ...sampleReport(), groups });
    expect(page).toContain('Mean weights between groups');
    expect(page).toContain('from &lt;PFC&gt;');
    expect(page).not.toContain('<PFC>');
    expect(renderReport(sampleReport())).not.toContain('Mean weights between groups');
  });
});
