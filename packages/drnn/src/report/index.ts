export { renderReport } from './page.js';
export type { ReportData } from './report-data.js';
