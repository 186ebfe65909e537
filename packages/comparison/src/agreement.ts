/** How far two sets agree. */
export interface Agreement {
  /** Of those of the fit, the part that has a partner; 1 of none. */
  readonly precision: number;
  /** Of those of the reference, the part that has a partner; 1 of none. */
  readonly recall: number;
  /** Their harmonic mean. */
  readonly f1: number;
}

const part = (some: number, all: number): number => (all === 0 ? 1 : some / all);

/** From how many of the reference and of the fit there are, and how many of each have a partner. */
export const agreementOf = (
  reference: { readonly matched: number; readonly all: number },
  fit: { readonly matched: number; readonly all: number },
): Agreement => {
  const recall = part(reference.matched, reference.all);
  const precision = part(fit.matched, fit.all);
  return { precision, recall, f1: recall + precision === 0 ? 0 : (2 * recall * precision) / (recall + precision) };
};
