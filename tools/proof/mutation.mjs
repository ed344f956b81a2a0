// `npm run proof -- mutation`: a change of any one place of libs/sql-safety is seen by its specs. Stryker's mutators put a switch for every change into one script; a warm process runs what meets a switch.
// usage: --sample=2000 mutants by chance, or --sample=all; --seed=1 chooses them; --files=check/ those whose path holds this; --minutes=20 stops then, and says what came of those that were judged; --write writes the page
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../install.mjs';
import { UNABLE } from '../tally.mjs';
import { buildMutants } from './mutation/build.mjs';
import { NEEDED, bounds, chosen, reportPage, score } from './mutation/report.mjs';
import { dryRun, judged } from './mutation/run.mjs';

const { values: { sample, seed, files, write, processes, minutes } } = parseArgs({ options: { sample: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' }, files: { type: 'string' }, write: { type: 'boolean' }, minutes: { type: 'string', default: '600' }, processes: { type: 'string', default: String(Math.min(4, cpus().length)) } } });
const page = join(root, 'docs', 'reference', 'mutation.md');
const say = (text) => { process.stdout.write(`  ${text}\n`); };
const began = Date.now();
const seconds = () => ((Date.now() - began) / 1_000).toFixed(0);
const percent = (share) => `${(share * 100).toFixed(1)} %`;
let drawn = -1;
/** A line that is drawn over itself on a terminal, and now and then elsewhere. */
function progress(done, of) {
  const part = Math.floor((done / of) * (process.stdout.isTTY ? 200 : 20));
  if (part === drawn) return;
  drawn = part;
  const bar = '#'.repeat(Math.round((done / of) * 30)).padEnd(30, '.');
  process.stdout.write(process.stdout.isTTY ? `\r  [${bar}] ${done} of ${of}, ${seconds()} s ${done === of ? '\n' : ''}` : `  [${bar}] ${done} of ${of} mutants, ${seconds()} s\n`);
}

async function prove() {
  let built;
  try { built = await buildMutants(); } catch (error) { if (!/npm/.test(String(error.message))) throw error; say(`SKIPPED mutation: ${String(error.message).split('\n')[0]}`); return UNABLE; }
  const all = built.mutants.filter(({ file }) => !files || file.includes(files));
  const wanted = chosen(all, { sample: sample === 'all' ? all.length : Number(sample), seed: Number(seed) });
  const dry = await dryRun(built);
  say(`${dry.names.length - dry.leftOut.length} tests pass without a mutant${dry.leftOut.length ? `, ${dry.leftOut.length} of the parser's own process are left out` : ''}; ${wanted.length} of ${all.length} mutants by seed ${seed} (${seconds()} s)`);
  const verdicts = await judged(built, { mutants: wanted, dry, processes: Number(processes), until: began + Number(minutes) * 60_000, onOne: (done) => progress(done, wanted.length) });
  const mutants = wanted.filter(({ id }) => verdicts.has(id));
  const answer = score(mutants, verdicts);
  const [low, high] = bounds(answer.seen, mutants.length);
  if (files) for (const { file, line, column, mutator, from, to } of answer.survivors) say(`${file}:${line}:${column} ${mutator}: ${from.slice(0, 90)}  ->  ${to.slice(0, 90)}`);
  say(`${answer.seen} of ${mutants.length} seen: ${percent(answer.seen / mutants.length)}${mutants.length < all.length ? `, of all ${all.length} between ${percent(low)} and ${percent(high)} (95 %)` : ''}; ${answer.late} took too long, ${answer.unmet} met by no test (${seconds()} s)`);
  if (write && !files) writeFileSync(page, reportPage({ all, mutants, seed, answer, tests: dry.names.length - dry.leftOut.length }));
  return answer.seen / mutants.length >= NEEDED ? 0 : 1;
}
process.exitCode = await prove();
