/**
 * Reads mutated files through the codecs of `@drnn/recordings` and counts what became of them. By name, for long runs:
 *
 *   node bench/dist/fuzz.js --codec npy --files 1000000 --seed 1
 *   node bench/dist/fuzz.js --codec hdf5 --files 1 --seed 1 --first 271     one file again
 *
 * Exit code 1 when a file crashed a codec or took more than its bound.
 */
import { parseArgs } from 'node:util';
import { type Codec, codecs, fuzz } from '@drnn/recordings/fuzz';

/** Files between two counts on a terminal, so that a hang shows where it is. */
const BATCH = 10_000;

const { values } = parseArgs({
  options: {
    codec: { type: 'string' },
    files: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
  },
});

const isCodec = (name: string): name is Codec => codecs.some((codec) => codec === name);

const wholeNumber = (name: string, text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`--${name}: saw ${text}, expected a whole number`);
  process.exit(2);
};

const files = wholeNumber('files', values.files);
const seed = wholeNumber('seed', values.seed);
const first = wholeNumber('first', values.first);
const { codec: wanted } = values;
if (wanted !== undefined && !isCodec(wanted)) {
  console.error(`--codec: saw ${wanted}, expected one of ${codecs.join(', ')}`);
  process.exit(2);
}

let failed = false;
for (const codec of wanted === undefined ? codecs : [wanted]) {
  const total = {
    decoded: 0,
    refused: 0,
    crashes: 0,
    beyondBound: 0,
    seconds: 0,
    slowest: 0,
    slowestFile: -1,
    most: 0,
  };
  for (let done = 0; done < files; done += BATCH) {
    const report = await fuzz(codec, { files: Math.min(BATCH, files - done), seed, first: first + done });
    total.decoded += report.decoded;
    total.refused += report.refused;
    total.crashes += report.crashes.length;
    total.beyondBound += report.beyondBound.length;
    total.seconds += report.seconds;
    total.most = Math.max(total.most, report.mostBytes);
    if (report.slowestMilliseconds > total.slowest) {
      total.slowest = report.slowestMilliseconds;
      total.slowestFile = report.slowestFile;
    }
    if (process.stderr.isTTY) process.stderr.write(`\r${codec}: ${done + report.files} of ${files}`);
    for (const line of [...report.crashes, ...report.beyondBound]) console.error(line);
  }
  if (process.stderr.isTTY) process.stderr.write('\n');
  failed ||= total.crashes + total.beyondBound > 0;
  console.log(
    `${codec}: seed ${seed}, ${files} files in ${total.seconds.toFixed(1)} s (${(files / total.seconds).toFixed(0)}/s): ` +
      `${total.decoded} read, ${total.refused} refused, ${total.crashes} crashed, ${total.beyondBound} beyond their bound; ` +
      `slowest ${total.slowest.toFixed(0)} ms (file ${total.slowestFile}), most charged ${total.most} bytes`,
  );
}
process.exitCode = failed ? 1 : 0;
