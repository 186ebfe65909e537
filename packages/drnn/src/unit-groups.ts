import { type Issue, refuse } from '@drnn/tensor';

/** Units in groups: populations, layers, cell types. */
export interface UnitGroups {
  /** The label of each unit, [unit]. */
  readonly labels: readonly string[];
  /** Each label once: whole numbers by size, others in the order of the alphabet. */
  readonly names: readonly string[];
  /** The place in `names` of each unit's label, [unit]. */
  readonly index: Int32Array;
}

/** Groups from a label for each unit, text or whole numbers. Throws for another length, an empty label or a fraction. */
export const unitGroups = (labels: ArrayLike<string | number>, units: number): UnitGroups => {
  const issues: Issue[] = [];
  if (labels.length !== units) {
    issues.push({ path: 'groups', seen: `${labels.length} labels`, expected: `[unit=${units}], one label a unit` });
  }
  const texts = Array.from(labels, (label, unit) => {
    if (label === '' || (typeof label === 'number' && !Number.isInteger(label))) {
      issues.push({
        path: 'groups',
        seen: label === '' ? `an empty label of unit ${unit}` : `${label} of unit ${unit}`,
        expected: 'text or whole numbers',
      });
    }
    return String(label);
  });
  refuse(issues);
  const distinct = [...new Set(texts)];
  const numbers = distinct.every((label) => /^-?\d+$/.test(label));
  const names = numbers ? distinct.sort((a, b) => Number(a) - Number(b)) : distinct.sort();
  const places = new Map(names.map((name, place) => [name, place]));
  return { labels: texts, names, index: Int32Array.from(texts, (label) => places.get(label) ?? 0) };
};
