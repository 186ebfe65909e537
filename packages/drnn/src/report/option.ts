import type { ReportData } from './report-data.js';

const plain = (name: string): string => name.replace(/[^a-z]/gi, '').toLowerCase();

/** The value of the option called `name`, however it is spelled (`weight-cap`, `weightCap`); null where there is none. */
export const optionValue = (options: ReportData['options'], name: string): string | null =>
  options.find((option) => plain(option.name) === plain(name))?.value ?? null;

/** The same as a finite number; null where it is none. */
export const optionNumber = (options: ReportData['options'], name: string): number | null => {
  const value = optionValue(options, name)?.trim() ?? '';
  const number = Number(value);
  return value !== '' && Number.isFinite(number) ? number : null;
};
