// One script that holds the library with a switch for every mutant, and the specs that guard it. What no mutant touches is a script beside it.
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';
import { bundleDefaults } from '../../bundle-plugins.mjs';
import { cache, root } from '../../install.mjs';
import { strykerInstrumenter } from '../../provision/stryker/stryker.mjs';
import { gateBundle } from '../corpus/bundle.mjs';

const source = join(root, 'libs', 'sql-safety', 'src');
const listed = (folder, holds) => readdirSync(folder, { recursive: true }).map((name) => join(folder, name)).filter(holds).sort();
/** What ships; the lists of attacks are tests themselves. */
const isMutated = (file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !/\/(corpus|index|testing|postgres)\.ts$|\/src\/corpus\//.test(file);
/** Specs of the library, of the parser in front of it, and of the chains of steps that it prints. */
const specs = () => [
  ...listed(source, (file) => file.endsWith('.spec.ts')),
  ...listed(join(root, 'libs', 'engines', 'src', 'duckdb'), (file) => /(?:query-parser|expression-parser|analyst-queries|corpus)\.spec\.ts$/.test(file)),
  ...listed(join(root, 'libs', 'connectors', 'src', 'expressions'), (file) => file.endsWith('.spec.ts')),
];
const folder = join(cache, 'mutation');
/** What processes write while they judge: one that is killed leaves it. */
const scratch = join(folder, 'scratch');
/** The `expect` that Jest's own globals hand out. */
const jestExpect = createRequire(createRequire(join(root, 'package.json')).resolve('@jest/globals')).resolve('expect');

/** @returns the mutants, each `{ id, file, mutator, line, column, from, to }`, and the files of the scripts */
export async function buildMutants() {
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  const instrumenter = await strykerInstrumenter(cache);
  const files = listed(source, isMutated).map((name) => ({ name, content: readFileSync(name, 'utf8'), mutate: true }));
  const made = await instrumenter.instrument(files, { plugins: null, excludedMutations: [], ignorers: [], noHeader: false });
  const switched = new Map(made.files.map(({ name, content }) => [name, content]));
  const [shared, script] = [join(folder, 'shared.cjs'), join(folder, 'guarded.cjs')];
  await bundled({ stdin: { contents: `module.exports = require('@agent-etl/contracts');`, resolveDir: root }, outfile: shared, plugins: [outside([])] });
  await bundled({ stdin: { contents: specs().map((file) => `globalThis.mutation.file = ${JSON.stringify(relative(root, file))};\nrequire(${JSON.stringify(file)});`).join('\n'), resolveDir: root }, outfile: script, plugins: [inPlace(switched), outside(['@agent-etl/contracts'])] });
  // The parser that answers them is that of the library as it is.
  await gateBundle('unchanged');
  const original = new Map(files.map(({ name, content }) => [name, content.split('\n')]));
  return { shared, script, scratch, gate: join(cache, 'corpus', 'unchanged.mjs'), mutants: made.mutants.map((mutant) => toldOf(mutant, original)) };
}
function toldOf({ id, fileName, mutatorName, location: { start, end }, replacement }, original) {
  const lines = original.get(fileName).slice(start.line, end.line + 1);
  const from = lines.length === 1 ? lines[0].slice(start.column, end.column) : `${lines[0].slice(start.column)} …`;
  return { id, file: relative(source, fileName), mutator: mutatorName, line: start.line + 1, column: start.column + 1, from, to: replacement.replaceAll(/\s+/g, ' ') };
}
const bundled = (more) => build({ ...bundleDefaults, format: 'cjs', sourcemap: false, absWorkingDir: root, logLevel: 'error', ...more });
/** Sources with their switches; specs with the place that they stand at; the parser of DuckDB as one that the runner holds. */
const inPlace = (switched) => ({
  name: 'in-place',
  setup: (builder) => {
    builder.onResolve({ filter: /\/parser-child\.ts$/ }, () => ({ path: join(import.meta.dirname, 'parser.mjs') }));
    builder.onResolve({ filter: /^expect$/ }, () => ({ path: jestExpect, external: true }));
    builder.onResolve({ filter: /^@jest\/globals$/ }, () => ({ path: join(import.meta.dirname, 'globals.mjs') }));
    builder.onLoad({ filter: /\/libs\/.*\.ts$/ }, ({ path }) => ({ loader: 'ts', contents: (switched.get(path) ?? readFileSync(path, 'utf8')).replaceAll('import.meta.dirname', JSON.stringify(dirname(path))) }));
  },
});
const outside = (names) => ({
  name: 'outside',
  setup: (builder) => builder.onResolve({ filter: /^[^./]/ }, ({ kind, path }) => (kind === 'entry-point' || path === '@jest/globals' || (path.startsWith('@agent-etl/') && !names.includes(path)) ? undefined : { path, external: true })),
});
