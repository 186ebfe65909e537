export { renderReport } from './page.js';
export type { HeldOutTraces, HorizonScore, ReportData, Score, Scores } from './report-data.js';
