// `npm run proof [-- part …]`: the heavier proofs, each against the real thing. Without a name all parts run, but those that are only run by name.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache, ensureInstalled, root, run, runAside } from './install.mjs';
import { UNABLE, openTally, takeReasons, total } from './tally.mjs';

ensureInstalled();
const tally = openTally('proof');
const nx = (...args) => () => run('nx', ['run-many', ...args, '--output-style=static']);
const jest = (file) => () => run('node', ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', '../../node_modules/jest/bin/jest.js', '--maxWorkers=2', '--testMatch', `<rootDir>/src/${file}`],
  { cwd: join(root, 'apps', 'e2e'), env: { ETL_TEST_REPORT: tally.file } });

/** Options of a part, such as `--write`. */
const more = process.argv.slice(2).filter((name) => name.startsWith('--'));
/** A part counts as one check, unless its suites report for themselves. A part that could not run ends with `UNABLE`, and says why. */
const parts = {
  typecheck: { says: 'every project type checks', go: () => run('node', ['tools/proof/typecheck.mjs']) },
  stale: { says: 'generated reference is current', go: () => run('node', ['tools/generate.mjs', '--check']) },
  guards: { says: 'no secret, strange licence, moving version or unsafe image, and every planted one is seen', go: () => run('node', ['tools/proof/guards.mjs']) },
  corpus: { says: 'no attack passes the gate of foreign SQL, honest queries do, and every check is needed', go: () => run('node', ['tools/proof/corpus.mjs', ...more]) },
  lint: { says: 'the walls hold', beside: 'corpus', program: ['tools/proof/lint.mjs'] },
  build: { says: 'every app bundles', go: nx('-t', 'build', '--parallel=2') },
  demo: { says: 'the first command of the README ends green, can be explained, also with a killed worker', go: () => run('node', ['tools/demo.mjs', '--exit']) || run('node', ['tools/proof/explain.mjs', 'flights_to_warehouse']) || run('node', ['tools/demo.mjs', '--kill', '--exit']) },
  e2e: { says: 'one list of scenarios on one process and on four', reports: true, needs: ['build'], go: jest('*.e2e-spec.ts') },
  kills: { says: 'six million rows survive kill -9 twice', needs: ['build'], go: () => run('node', ['tools/proof/kills.mjs']) },
  'random-kills': { says: 'kill -9 at fifty random moments, over every way of writing', byName: true, needs: ['build'], go: () => run('node', ['tools/proof/random-kills.mjs']) },
  faults: { says: 'sleeps between fence and commit, full disks, broken lines and bad files, each fault in full: every end is a named code or a green run', byName: true, go: () => run('node', ['tools/proof/faults.mjs', ...more]) },
  airflow: { says: 'a real Airflow runs the DAG', needs: ['build'], beside: 'kills', program: ['tools/proof/airflow.mjs'] },
  upgrade: { says: 'the release before and the next one side by side under load: replaced one by one, one taken back, no run failed, lost or doubled', byName: true, go: () => run('node', ['tools/proof/upgrade.mjs', ...more]) },
  restore: { says: 'what a backup holds is all there after a loss, every run goes on, nothing is doubled', byName: true, needs: ['build'], go: () => run('node', ['tools/proof/restore.mjs', ...more]) },
  deploy: { says: 'the Helm chart is valid, restricted, and refuses mistakes', byName: true, go: () => run('node', ['tools/proof/deploy.mjs']) },
  compose: { says: 'what Compose sets up runs: its keys, roles, migrations, topics and four services, as processes', byName: true, needs: ['build'], go: () => run('node', ['tools/proof/compose.mjs']) },
  images: { says: 'five images: the same bytes twice, nothing in them that the lock does not name, run as restricted pods', byName: true, needs: ['build'], go: () => run('node', ['tools/proof/images.mjs', ...more]) },
  browser: { says: 'the dashboard in a real browser', needs: ['build'], go: () => run('node', ['tools/proof/browser.mjs']) },
  chains: { says: 'ten thousand random chains of steps answer alike on DuckDB and PostgreSQL, and a planted mistake is found', byName: true, go: () => run('node', ['tools/proof/chains.mjs', ...more]) },
  mutation: { says: 'of the changes of any one place of the gate, three in four are seen by its specs', byName: true, go: () => run('node', ['tools/proof/mutation.mjs', ...more]) },
  spark: { says: 'a real Spark computes steps as DuckDB and PostgreSQL do', byName: true, needs: ['build'], go: () => run('node', ['tools/proof/spark.mjs']) },
};
const asked = process.argv.slice(2).filter((name) => !name.startsWith('--'));
const unknown = asked.filter((name) => !parts[name]);
if (unknown.length) { process.stderr.write(`no proof named ${unknown.join(', ')}: use ${Object.keys(parts).join(', ')}\n`); process.exit(2); }
/** In the order above, however they were asked for: what runs beside a part must not have been run before it. */
const needed = new Set(asked.flatMap((name) => [...(parts[name].needs ?? []), name]));
const wanted = Object.keys(parts).filter((name) => (asked.length ? needed.has(name) : !parts[name].byName));

takeReasons();
let red = 0;
function judge(name, status, seconds) {
  const { says, reports } = parts[name];
  const reasons = takeReasons();
  if (status === UNABLE) tally.skip(name, 'the part said why above');
  else if (!reports) tally.add(...(status === 0 ? [1, 0] : [0, 1, 0, [[`proof ${name}: ${says}`, ...reasons].join('\n    ')]]));
  if (status !== 0) red += 1;
  process.stdout.write(`proof ${name}: ${status === 0 ? 'PROVEN' : status === UNABLE ? 'SKIPPED' : 'NOT PROVEN'} in ${seconds.toFixed(1)} s\n`);
}
/** Parts that mostly wait, or use one core, run beside another one and speak when both are over. */
const begun = new Map();
const logOf = (name) => join(cache, `proof-${name}.log`);
const isAside = (name) => wanted.includes(parts[name].beside);
for (const name of wanted) {
  const { says, go, program, reports } = parts[name];
  for (const other of wanted.filter((one) => parts[one].beside === name)) begun.set(other, runAside('node', parts[other].program, logOf(other)));
  process.stdout.write(`\nproof ${name}: ${says}${isAside(name) ? `, beside ${parts[name].beside}` : ''}\n`);
  const began = Date.now();
  const aside = await begun.get(name);
  if (aside) process.stdout.write(readFileSync(logOf(name), 'utf8'));
  const act = go ?? (() => run('node', program));
  const status = aside ? aside.status : reports ? tally.watch(name, act) : act();
  judge(name, status, aside?.seconds ?? (Date.now() - began) / 1000);
}
const sum = total(tally.file);
process.stdout.write(`\nproof: ${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped\n`);
process.exit(red ? 1 : 0);
