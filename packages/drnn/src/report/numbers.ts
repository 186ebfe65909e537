/** How numbers are written in the report: a fixed number of significant digits, real minus signs, never `NaN`. */

/** What stands where a number could not be computed. */
export const notAvailable = 'not available';

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** An integer as superscript: -8 is ⁻⁸. */
export const superscript = (exponent: number): string =>
  Array.from(String(exponent), (digit) => (digit === '-' ? '⁻' : (superscripts[Number(digit)] ?? ''))).join('');

const withMinus = (text: string): string => text.replace('-', '−');

/** `value` with `digits` significant digits, as 0.0123, 123 or 1.23 × 10⁻⁸; "not available" when it is not finite. */
export const formatNumber = (value: number, digits = 3): string => {
  if (!Number.isFinite(value)) return notAvailable;
  if (value === 0) return '0';
  const [mantissa = '', exponent = '0'] = value.toExponential(digits - 1).split('e');
  const power = Number(exponent);
  if (power >= -3 && power <= Math.max(digits, 4)) {
    return withMinus(value.toFixed(Math.max(0, digits - 1 - power)));
  }
  return `${withMinus(mantissa)} × 10${superscript(power)}`;
};

/** A coefficient of determination: three decimals, six near one, never rounded to the 1 that it is not. */
export const formatScore = (value: number): string => {
  if (!Number.isFinite(value)) return notAvailable;
  if (value < -1000) return 'below −1000';
  if (value < 1 && value > 0.9999995) return 'above 0.999999';
  const nearOne = value < 1 && value > 0.9995;
  return withMinus(value.toFixed(nearOne ? 6 : 3).replace(/^-(0\.0+)$/, '$1'));
};

/** `value` as it was chosen rather than measured: 0.1 and 10⁻⁸, without trailing zeros. */
export const formatSetting = (value: number): string =>
  formatNumber(value, 6)
    .replace(/(\.\d*?)0+(?!\d)/, '$1')
    .replace(/\.(?!\d)/, '')
    .replace(/^1 × /, '');

/** A count, with narrow no-break spaces between groups of three digits. */
export const formatCount = (value: number): string => {
  if (!Number.isFinite(value)) return notAvailable;
  return withMinus(value.toFixed(0)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
};

/** `count` with its noun: "1 unit", "12 units". */
export const counted = (count: number, noun: string, plural = `${noun}s`): string =>
  `${formatCount(count)} ${count === 1 ? noun : plural}`;

/** A fraction as a percentage. */
export const formatPercent = (fraction: number): string => {
  if (!Number.isFinite(fraction)) return notAvailable;
  const percent = 100 * fraction;
  if (percent > 0 && percent < 0.1) return 'less than 0.1%';
  return `${withMinus(percent.toFixed(percent > 0 && percent < 10 ? 1 : 0))}%`;
};

/** A duration in the unit that reads best; `exact` without trailing zeros, for one that was set. */
export const formatSeconds = (seconds: number, exact = false): string => {
  const format = exact ? formatSetting : (value: number): string => formatNumber(value, 3);
  if (!Number.isFinite(seconds)) return notAvailable;
  if (seconds < 1) return `${format(1000 * seconds)}\u00a0ms`;
  if (seconds < 120) return `${format(seconds)}\u00a0s`;
  return seconds < 7200 ? `${format(seconds / 60)}\u00a0min` : `${format(seconds / 3600)}\u00a0h`;
};
