import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeJson, type JsonObject, parseJson, writeFileBeside } from '@drnn/recordings';
import { type Issue, refuse } from '@drnn/tensor';
import { canonical, decodeJob, encodeJob, fieldOf, type Job } from './job.js';
import type { StudyMethod } from './study-method.js';

/** The folder of a study: what it was made with, and a file for every job that is done. */
export interface StudyStore {
  /** The job of a method and a network, or null where it is not done. Errors: one of other settings. */
  readonly read: (method: StudyMethod, network: number, seed: number) => Promise<Job | null>;
  /** Written whole or not at all, so that a kill at any moment loses at most the job it interrupts. */
  readonly write: (job: Job, method: StudyMethod, seed: number) => Promise<void>;
  /** Writes another file of the folder, in place of an earlier one. */
  readonly writeFile: (name: string, bytes: Uint8Array | string) => Promise<string>;
}

const exists = async (path: string): Promise<boolean> => {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
};

/**
 * Opens the folder of a study, made where it is missing. `settings` is all that jobs of one folder must share: data,
 * hardware, versions. Errors: the folder has a study of other settings, each of which is named.
 */
export const openStudyStore = async (folder: string, settings: JsonObject): Promise<StudyStore> => {
  const jobs = join(folder, 'jobs');
  await mkdir(jobs, { recursive: true });
  const about = join(folder, 'study.json');
  if (await exists(about)) {
    const found = parseJson(await readFile(about), about);
    const issues: Issue[] = [];
    for (const [name, value] of Object.entries(settings)) {
      const seen = canonical(fieldOf(found, name));
      if (seen === canonical(value)) continue;
      issues.push({
        path: `${about}, ${name}`,
        seen,
        expected: `${canonical(value)}, as this run has it`,
        hint: 'its results are not comparable: choose another folder (--out), or give the options it was made with',
      });
    }
    refuse(issues);
  } else await writeFileBeside(about, encodeJson(settings), { force: true });

  const pathOf = (method: string, network: number): string =>
    join(jobs, `${method}-${String(network).padStart(3, '0')}.json`);
  return {
    read: async (method, network, seed) => {
      const path = pathOf(method.name, network);
      if (!(await exists(path))) return null;
      return decodeJob(parseJson(await readFile(path), path), path, method, network, seed);
    },
    write: (job, method, seed) =>
      writeFileBeside(pathOf(job.method, job.network), encodeJson(encodeJob(job, method, seed)), { force: true }),
    writeFile: async (name, bytes) => {
      const path = join(folder, name);
      await writeFileBeside(path, bytes, { force: true });
      return path;
    },
  };
};
