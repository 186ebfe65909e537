import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  counted,
  formatCount,
  formatNumber,
  formatPercent,
  formatScore,
  formatSeconds,
  formatSetting,
  notAvailable,
} from './numbers.js';

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** Reads a written number back. */
const read = (text: string): number => {
  const [mantissa = '', power] = text.replaceAll('−', '-').split(' × 10');
  const exponent = Array.from(power ?? '⁰', (c) => (c === '⁻' ? '-' : String(superscripts.indexOf(c)))).join('');
  return Number(`${mantissa}e${exponent}`);
};

describe('formatNumber', () => {
  it('is within half a unit of the last of its significant digits', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, min: -1e30, max: 1e30 }),
        fc.integer({ min: 2, max: 6 }),
        (value, digits) => {
          fc.pre(Math.abs(value) > 1e-30);
          expect(Math.abs(read(formatNumber(value, digits)) / value - 1)).toBeLessThanOrEqual(
            0.5001 * 10 ** (1 - digits),
          );
        },
      ),
    );
  });

  it('writes the forms a reader expects', () => {
    expect([0, 0.0123, 0.999999, 123, -4.5e-9, 12345].map((value) => formatNumber(value))).toEqual([
      '0',
      '0.0123',
      '1.00',
      '123',
      '−4.50 × 10⁻⁹',
      '12345',
    ]);
  });
});

describe('formatSetting', () => {
  it('has no trailing zeros', () => {
    expect([0.1, 1e-8, 1e-5, 100, 0.25, 2.5e-7, 0].map(formatSetting)).toEqual([
      '0.1',
      '10⁻⁸',
      '10⁻⁵',
      '100',
      '0.25',
      '2.5 × 10⁻⁷',
      '0',
    ]);
  });
});

describe('every format', () => {
  it('says in words that a number is not available', () => {
    for (const value of [Number.NaN, Infinity, -Infinity]) {
      for (const format of [formatNumber, formatScore, formatSetting, formatCount, formatPercent, formatSeconds]) {
        expect(format(value)).toBe(notAvailable);
      }
    }
  });
});

describe('other formats', () => {
  it('groups counts, and names one thing in the singular', () => {
    expect(formatCount(1234567)).toBe('1\u202f234\u202f567');
    expect([counted(1, 'unit'), counted(2, 'unit')]).toEqual(['1 unit', '2 units']);
  });

  it('keeps scores readable at both ends', () => {
    expect([0.5, -0.0001, 0.99971, 0.99999999, 1, -3.2, -5e7].map(formatScore)).toEqual([
      '0.500',
      '0.000',
      '0.999710',
      'above 0.999999',
      '1.000',
      '−3.200',
      'below −1000',
    ]);
  });

  it('chooses the unit of a duration', () => {
    expect([0.02, 3.21, 600, 9000].map((seconds) => formatSeconds(seconds).replace('\u00a0', ' '))).toEqual([
      '20.0 ms',
      '3.21 s',
      '10.0 min',
      '2.50 h',
    ]);
    expect([0, 0.0002, 0.034, 0.5].map(formatPercent)).toEqual(['0%', 'less than 0.1%', '3.4%', '50%']);
  });
});
