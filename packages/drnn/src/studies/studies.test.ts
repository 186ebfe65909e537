import { readFileSync } from 'node:fs';
import { requires, sharedPath } from '@drnn/testing';
import { describe, expect, it } from 'vitest';
import { studies, studyNamed } from './studies.js';

const available = requires('shared');

describe('the studies', () => {
  it('are found by name, and a wrong name is told of', () => {
    for (const study of studies) expect(studyNamed(study.name)).toBe(study);
    expect(() => studyNamed('cornn-9')).toThrow(/cornn-1a/);
  });

  it('name their methods once, as files can be named', () => {
    for (const { methods } of studies) {
      const names = methods.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      for (const name of names) expect(name).toMatch(/^[a-z0-9.-]+$/);
    }
  });

  it('of a sweep have every curve at every value', () => {
    for (const { sweep, methods } of studies) {
      if (sweep === null) expect(methods.every((method) => method.sweep === undefined)).toBe(true);
      else {
        for (const curve of new Set(methods.map((method) => method.curve))) {
          const own = methods.filter((method) => method.curve === curve).map((method) => method.sweep);
          expect(own).toEqual(sweep.values);
        }
      }
    }
  });

  // Section 6 of the specification is where the paper's figures were read off.
  it.skipIf(!available).each(studies.map((study) => [study.name, study] as const))(
    '%s: gives only figures of the paper that the specification has',
    (_name, study) => {
      const text = readFileSync(sharedPath('specs', 'cornn.md'), 'utf8');
      const section = text.slice(text.indexOf('## 6. Experiments'), text.indexOf('## 7. Checks'));
      for (const { correlation, note } of study.published) {
        // The middle of a range that is given as its ends.
        if (note?.includes('.985 to .987') === true) continue;
        const digits = String(correlation).slice(1);
        expect(section, `${study.name}: ${correlation}`).toMatch(
          new RegExp(`(^|[^0-9.])0?\\${digits}0*([^0-9]|$)`, 'm'),
        );
      }
    },
  );
});
