/** Stands for 0 where an expression divides or takes a logarithm: a normal float32, so that no backend rounds it to 0. */
export const leastPositive = 2 ** -126;
