/** The version of every package here; the packages are released together. */
export const version = '0.1.0';
