import type { StudyResult } from './run-study.js';
import type { StudySummary } from './study-summary.js';

/** A study as one object for JSON: what was run, and the summary. Numbers may be NaN. */
export const studyJson = (result: StudyResult, { load, methods, comparisons }: StudySummary) => ({
  ...result.settings,
  networks: result.size.networks,
  complete: result.jobs.length === result.methods.length * result.size.networks,
  aborted: result.aborted,
  failed: result.failed,
  load,
  methods: methods.map(({ method, ...numbers }) => ({
    name: method.name,
    label: method.label,
    ...(method.sweep === undefined ? {} : { sweep: method.sweep }),
    settings: method.settings,
    ...numbers,
  })),
  paper: comparisons.map(({ published, method, ...numbers }) => ({ method: method.name, published, ...numbers })),
});
