import { runProgram, scratchFor } from './blocks.js';
import { derivative } from './derivative.js';
import { type Issue, refuse } from './error.js';
import { mul, type Expression, variable } from './expression.js';
import { variablesOf } from './fold.js';
import type { Host, ScanAdjoint, ScanRequest, ScanResult } from './host.js';
import { copyMatrix, matrix, type Matrix, rowRange } from './matrix.js';
import { compile, type Program } from './program.js';

/** Names that an update may use. */
const known: readonly string[] = ['r', 'z', 'a'];
/** The cotangent of the next state; not a name that an update can hold. */
const cotangentName = 'cotangent';

interface Compiled {
  readonly program: Program;
  readonly scratch: readonly Float64Array[];
}

const compiled = (...outputs: readonly Expression[]): Compiled => {
  const program = compile(outputs);
  return { program, scratch: scratchFor(program) };
};

const checkScan = (request: ScanRequest): void => {
  const { weights, initial, drive, steps, leak, update } = request;
  const units = initial.columns;
  const issues: Issue[] = [];
  if (weights.rows !== units || weights.columns !== units) {
    issues.push({
      path: 'scan weights',
      seen: `[row=${weights.rows}, column=${weights.columns}]`,
      expected: `[unit=${units}, unit=${units}], as the initial state has ${units} units`,
    });
  }
  if (!(Number.isInteger(steps) && steps >= 0))
    issues.push({ path: 'scan steps', seen: `${steps}`, expected: 'a whole number >= 0' });
  if (drive !== null && (drive.rows !== steps * initial.rows || drive.columns !== units)) {
    issues.push({
      path: 'scan drive',
      seen: `[row=${drive.rows}, column=${drive.columns}]`,
      expected: `[steps * batch=${steps * initial.rows}, unit=${units}]`,
    });
  }
  if (leak.length !== units)
    issues.push({ path: 'scan leak', seen: `${leak.length} numbers`, expected: `one a unit, ${units}` });
  const strange = variablesOf(update).filter((name) => !known.includes(name));
  if (strange.length > 0) {
    issues.push({
      path: 'scan update',
      seen: `the variables ${strange.join(', ')}`,
      expected: 'only r (state), z (current) and a (leak)',
    });
  }
  refuse(issues);
};

/** The leak of every entry of a `[batch, unit]` state. */
const spread = (leak: Float64Array, batch: number): Float64Array => {
  const result = new Float64Array(batch * leak.length);
  for (let k = 0; k < batch; k++) result.set(leak, k * leak.length);
  return result;
};

const pick = (program: Program, values: Readonly<Record<string, Float64Array>>): readonly Float64Array[] =>
  program.variables.map((name) => values[name] ?? new Float64Array(0));

/**
 * r[t+1] = update(r[t], W r[t] + drive[t], a) for a batch of networks that share W, from products and block programs.
 * Cost 2 steps batch unit^2 flop.
 */
export const scan = (host: Pick<Host, 'matMul'>, request: ScanRequest, keep = false): ScanResult => {
  checkScan(request);
  const { weights, initial, drive, steps, update } = request;
  const batch = initial.rows;
  const units = initial.columns;
  const { program, scratch } = compiled(update);
  const leak = spread(request.leak, batch);
  const z = matrix(batch, units);
  const current = { transposeB: true, beta: drive === null ? 0 : 1, out: z };
  const size = batch * units;

  if (keep) {
    const trajectory = matrix((steps + 1) * batch, units);
    trajectory.data.set(initial.data);
    for (let t = 0; t < steps; t++) {
      const state = rowRange(trajectory, t * batch, (t + 1) * batch);
      const next = rowRange(trajectory, (t + 1) * batch, (t + 2) * batch);
      if (drive !== null) z.data.set(drive.data.subarray(t * size, (t + 1) * size));
      host.matMul(state, weights, current);
      runProgram(program, pick(program, { r: state.data, z: z.data, a: leak }), [next.data], size, scratch);
    }
    return { final: copyMatrix(rowRange(trajectory, steps * batch, (steps + 1) * batch)), trajectory };
  }

  const state = copyMatrix(initial);
  const inputs = pick(program, { r: state.data, z: z.data, a: leak });
  const outputs = [state.data];
  for (let t = 0; t < steps; t++) {
    if (drive !== null) z.data.set(drive.data.subarray(t * size, (t + 1) * size));
    host.matMul(state, weights, current);
    runProgram(program, inputs, outputs, size, scratch);
  }
  return { final: state, trajectory: null };
};

/**
 * Back through a scan: with c[t] the cotangent of r[t] given, lambda[steps] = c[steps] and, for t downwards,
 * s[t] = lambda[t+1] * d update/dz, lambda[t] = c[t] + lambda[t+1] * d update/dr + W' s[t]. Then the gradient by the
 * drive is s, by the initial state lambda[0], by W the sum over t of s[t] r[t]'. Currents are computed again, in one
 * product, rather than kept. Cost 6 steps batch unit^2 flop.
 */
export const scanAdjoint = (
  host: Pick<Host, 'matMul'>,
  request: ScanRequest,
  trajectory: Matrix,
  cotangent: Matrix,
): ScanAdjoint => {
  checkScan(request);
  const { weights, initial, drive, steps, update } = request;
  const batch = initial.rows;
  const units = initial.columns;
  const issues: Issue[] = [];
  for (const [path, value] of [
    ['scanAdjoint trajectory', trajectory],
    ['scanAdjoint cotangent', cotangent],
  ] as const) {
    if (value.rows !== (steps + 1) * batch || value.columns !== units) {
      issues.push({
        path,
        seen: `[row=${value.rows}, column=${value.columns}]`,
        expected: `[(steps + 1) * batch=${(steps + 1) * batch}, unit=${units}]`,
      });
    }
  }
  refuse(issues);

  const size = batch * units;
  const lambda = variable(cotangentName);
  const { program, scratch } = compiled(mul(lambda, derivative(update, 'z')), mul(lambda, derivative(update, 'r')));
  const leak = spread(request.leak, batch);

  // Holds the currents first; step by step, from the last, they give way to s.
  const sensitivity = drive === null ? matrix(steps * batch, units) : copyMatrix(drive);
  const past = rowRange(trajectory, 0, steps * batch);
  host.matMul(past, weights, { transposeB: true, beta: drive === null ? 0 : 1, out: sensitivity });

  const adjoint = copyMatrix(rowRange(cotangent, steps * batch, (steps + 1) * batch));
  const through = matrix(batch, units);
  for (let t = steps - 1; t >= 0; t--) {
    const s = rowRange(sensitivity, t * batch, (t + 1) * batch);
    const values = {
      r: trajectory.data.subarray(t * size, (t + 1) * size),
      z: s.data,
      a: leak,
      [cotangentName]: adjoint.data,
    };
    runProgram(program, pick(program, values), [s.data, through.data], size, scratch);
    host.matMul(s, weights, { out: adjoint });
    const given = cotangent.data.subarray(t * size, (t + 1) * size);
    for (let i = 0; i < size; i++) adjoint.data[i] = given[i]! + through.data[i]! + adjoint.data[i]!;
  }
  return {
    weights: host.matMul(sensitivity, past, { transposeA: true }),
    initial: adjoint,
    drive: sensitivity,
  };
};
