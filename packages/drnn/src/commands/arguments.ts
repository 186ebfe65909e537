import { InvalidArgumentError } from 'commander';
import type { RidgeRule } from '../fit-options.js';

/** Parsers of option values. What they refuse is bad usage, exit code 2. */

export const number = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError(`'${text}' is not a number.`);
  return value;
};

/** Numbers, separated by commas. */
export const numbers = (text: string): readonly number[] => text.split(',').map(number);

/** A number, or the name of a file or an array. */
export const numberOrName = (text: string): number | string => {
  const value = Number(text);
  if (text.trim() === '') throw new InvalidArgumentError(`'${text}' is neither a number nor a name.`);
  return Number.isNaN(value) ? text : number(text);
};

/** Whole numbers, separated by commas. */
export const wholeNumbers = (text: string): readonly number[] => text.split(',').map(wholeNumber);

export const wholeNumber = (text: string): number => {
  const value = number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError(`'${text}' is not a whole number.`);
  return value;
};

/** A strength, or how it is chosen. */
export const numberOrRidgeRule = (text: string): number | RidgeRule =>
  text === 'auto' || text === 'auto-1se' ? text : number(text);

/** A number, or the word `none` as it is: commander takes a null for no value. */
export const numberOrNone = (text: string): number | 'none' => (text === 'none' ? text : number(text));

/** Two numbers, `low,high`; either may be infinite: `0,inf`. */
export const interval = (text: string): readonly [number, number] => {
  const bounds = text.split(',').map((part) => {
    const word = part.trim().toLowerCase();
    return word === 'inf' ? Infinity : word === '-inf' ? -Infinity : number(part);
  });
  const [low, high, more] = bounds;
  if (low === undefined || high === undefined || more !== undefined) {
    throw new InvalidArgumentError(`'${text}' is not two numbers, low,high.`);
  }
  return [low, high];
};
