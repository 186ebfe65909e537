export type Effort = 'quick' | 'full';

export const isEffort = (text: string): text is Effort => text === 'quick' || text === 'full';

/** The pilots of the calibrated estimator, as `fit` has them. */
export const pilots = { quick: { tolerance: 1e-4, maxSteps: 1 }, full: { tolerance: 0.1, maxSteps: 8 } } as const;
