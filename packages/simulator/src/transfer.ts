/** The nondecreasing functions from current to rate that a network may use. */
export type TransferName = 'tanh' | 'logistic' | 'softplus' | 'relu' | 'identity' | 'exp';

const inPlace: Readonly<Record<TransferName, (z: Float64Array) => void>> = {
  tanh: (z) => {
    for (let i = 0; i < z.length; i++) z[i] = Math.tanh(z[i]!);
  },
  logistic: (z) => {
    for (let i = 0; i < z.length; i++) {
      const e = Math.exp(-Math.abs(z[i]!));
      z[i] = (z[i]! >= 0 ? 1 : e) / (1 + e);
    }
  },
  softplus: (z) => {
    for (let i = 0; i < z.length; i++) z[i] = Math.max(z[i]!, 0) + Math.log1p(Math.exp(-Math.abs(z[i]!)));
  },
  relu: (z) => {
    for (let i = 0; i < z.length; i++) z[i] = Math.max(z[i]!, 0);
  },
  identity: () => {},
  exp: (z) => {
    for (let i = 0; i < z.length; i++) z[i] = Math.exp(z[i]!);
  },
};

/** The names of all transfers. */
export const transferNames: readonly string[] = Object.keys(inPlace);

/** Replaces every current z by phi(z): tanh, 1 / (1 + e^-z), log(1 + e^z), max(z, 0), z, or e^z; stable for all z. */
export const applyTransfer = (transfer: TransferName, z: Float64Array): void => inPlace[transfer](z);
