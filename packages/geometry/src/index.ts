export { columnMeans, covarianceOf, principalComponents, type PrincipalComponents } from './principal-components.js';
export { parallelAnalysis, type ParallelAnalysis, type ParallelAnalysisOptions } from './parallel-analysis.js';
export { alignmentIndex, subspaceAngles } from './subspace-angles.js';
export {
  type Bar,
  distancesOf,
  landmarks,
  persistentHomology,
  type PersistentHomology,
} from './persistent-homology.js';
