export { columnMeans, covarianceOf, principalComponents, type PrincipalComponents } from './principal-components.js';
export { parallelAnalysis, type ParallelAnalysis, type ParallelAnalysisOptions } from './parallel-analysis.js';
export { alignmentIndex, subspaceAngles } from './subspace-angles.js';
export { distancesOf } from './distances.js';
export { landmarks } from './landmarks.js';
export {
  type Bar,
  persistentHomology,
  type PersistentHomology,
  type PersistentHomologyOptions,
} from './persistent-homology.js';
export { bettiNumbers, type BettiNumbers, type BettiNumbersOptions } from './betti-numbers.js';
