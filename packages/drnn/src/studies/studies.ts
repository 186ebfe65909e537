import { failure } from '@drnn/tensor';
import { cornn1a, cornn1b, cornn1c } from './cornn-1.js';
import { cornn2a, cornn2b } from './cornn-2.js';
import { cornn7 } from './cornn-7.js';
import { cornn8 } from './cornn-8.js';
import type { Study } from './study.js';

/** Experiments 1, 2, 7 and 8 of CORNN (Dinc et al. 2023); 3 to 6 need networks that were trained on tasks. */
export const studies: readonly Study[] = [cornn1a, cornn1b, cornn1c, cornn2a, cornn2b, cornn7, cornn8];

/** The study of a name. Errors: there is none. */
export const studyNamed = (name: string): Study => {
  const found = studies.find((study) => study.name === name);
  if (found !== undefined) return found;
  throw failure({
    path: 'study',
    seen: `'${name}'`,
    expected: `one of ${studies.map((study) => study.name).join(', ')}`,
    hint: 'drnn study list says what each is',
  });
};
