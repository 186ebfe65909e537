import { type BinaryOperation, type Expression, type Interval } from '@drnn/tensor';

const signs: Readonly<Partial<Record<BinaryOperation, string>>> = {
  add: ' + ',
  subtract: ' - ',
  multiply: ' * ',
  divide: ' / ',
};
const longest = 160;

/** An expression in ordinary notation, for proofs and reasons; long ones are cut. */
export const describe = (e: Expression): string => {
  const text = write(e);
  return text.length <= longest ? text : `${text.slice(0, longest - 3)}...`;
};

const write = (e: Expression): string => {
  switch (e.kind) {
    case 'constant':
      return `${e.value}`;
    case 'variable':
      return e.name;
    case 'unary':
      return e.operation === 'negate' ? `-${inner(e.argument)}` : `${e.operation}(${write(e.argument)})`;
    case 'binary': {
      const sign = signs[e.operation];
      return sign === undefined
        ? `${e.operation}(${write(e.left)}, ${write(e.right)})`
        : `${inner(e.left)}${sign}${inner(e.right)}`;
    }
    case 'where':
      return `where(${condition(e.comparison, e.left, e.right)}, ${write(e.then)}, ${write(e.otherwise)})`;
  }
};

const inner = (e: Expression): string =>
  e.kind === 'binary' && signs[e.operation] !== undefined ? `(${write(e)})` : write(e);

const condition = (comparison: 'less' | 'lessEqual', left: Expression, right: Expression): string =>
  `${write(left)} ${comparison === 'less' ? '<' : '<='} ${write(right)}`;

const number = (x: number): string => `${Number(x.toPrecision(6))}`;

/** `[low, high]`, with a round bracket at an infinite end. */
export const describeInterval = ({ low, high }: Interval): string =>
  `${low === -Infinity ? '(' : '['}${number(low)}, ${number(high)}${high === Infinity ? ')' : ']'}`;
