// A process that judges mutants one by one: the script is evaluated anew for each, with its switch set, and its tests run until one fails. A mutant that never ends is ended by whoever started this.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script, constants } from 'node:vm';
import { cache, root } from '../../install.mjs';

const [shared, file, gate, scratch, dry] = process.argv.slice(2);
const load = createRequire(join(root, 'package.json'));
// Contracts have no mutants: they are loaded once for all.
const contracts = load(shared);
const needed = (name) => (name === '@agent-etl/contracts' ? contracts : load(name));
const script = new Script(`(function (require, module, exports, __filename, __dirname) {${readFileSync(file, 'utf8')}\n})`, { filename: file, importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER });
const { ParserChild } = await import(gate);
const parser = new ParserChild(mkdtempSync(join(scratch, 'parser-')), 'a query');
const trees = new Map();
const treesFile = join(cache, 'mutation', 'trees.json');
try { for (const [text, tree] of JSON.parse(readFileSync(treesFile, 'utf8'))) trees.set(text, tree); } catch { /* the dry run writes it */ }
async function tree(text) {
  if (!trees.has(text)) { let said; for (let tries = 1; said === undefined; tries += 1) try { said = await parser.tree(text); } catch (error) { if (error?.code !== 'sql.parser-lost' || tries === 8 || !dry) throw error; } trees.set(text, said); }
  return trees.get(text);
}
const stryker = (globalThis.__stryker__ = {});

function collected(active) {
  globalThis.mutation = { tests: [], blocks: {}, file: '', tree };
  stryker.activeMutant = active;
  const module = { exports: {} };
  script.runInThisContext()(needed, module, module.exports, file, root);
  return globalThis.mutation;
}
const chain = ({ block, file: name }, blocks) => { const all = []; for (let at = block; at; at = at.parent) all.unshift(at); return [blocks[name], ...all].filter(Boolean); };
/** Runs tests by their number; answers the name of the first that fails. */
async function firstFailing({ tests, blocks }, wanted, around = () => undefined) {
  const begun = new Set();
  try {
    for (const nth of wanted) {
      const test = tests[nth];
      if (!test) return 'the tests are others';
      try {
        for (const each of chain(test, blocks)) if (!begun.has(each)) { begun.add(each); for (const work of each.before) await work(); }
        around(nth);
        await test.work();
      } catch (error) { return `${test.file}: ${test.name}`; }
    }
    return null;
  } finally { for (const each of begun) for (const work of each.after) await Promise.resolve().then(work).catch(() => undefined); }
}
async function dryRun() {
  stryker.mutantCoverage = { static: {}, perTest: {} };
  stryker.currentTestId = undefined;
  const all = collected(undefined);
  const [ms, leftOut] = [[], []];
  for (const nth of all.tests.keys()) {
    const began = performance.now();
    const failed = await firstFailing(all, [nth], () => { stryker.currentTestId = String(nth); });
    stryker.currentTestId = undefined;
    ms.push(performance.now() - began);
    if (failed) leftOut.push(nth);
  }
  const { static: always, perTest } = stryker.mutantCoverage;
  writeFileSync(treesFile, JSON.stringify([...trees]));
  return { ms, leftOut, names: all.tests.map((test) => `${test.file}: ${test.name}`), always: Object.keys(always), perTest: Object.fromEntries(Object.entries(perTest).map(([test, met]) => [test, Object.keys(met)])) };
}
if (dry) { const said = await dryRun(); process.send(said, () => process.exit(0)); } else {
  // Coverage is not counted any more.
  process.on('message', async ({ id, wanted }) => {
    stryker.mutantCoverage = { static: {}, perTest: {} };
    let killedBy;
    try { killedBy = await firstFailing(collected(id), wanted); } catch (error) { killedBy = `it does not load: ${error.message}`; }
    process.send({ id, killedBy });
  });
  process.send({ ready: true });
  process.on('unhandledRejection', () => undefined);
}
