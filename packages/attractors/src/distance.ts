/** |a - sign b|: in an odd network a state and its mirror image are one. */
export const distance = (a: Float64Array, b: Float64Array, sign: 1 | -1 = 1): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - sign * b[i]!) ** 2;
  return Math.sqrt(sum);
};
