// `npm run proof -- lint`: the walls hold in every file, and they stand: what breaks them is refused by the very linter that read the tree.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProjectGraphAsync } from '@nx/devkit';
import { cache, root, runAside } from '../install.mjs';
import { alike, others, wholeConfig } from './whole-types.mjs';

await createProjectGraphAsync({ exitOnError: false }); // without it the rule of boundaries is switched off
const log = join(cache, 'lint-others.log');
const aside = runAside('nx', ['run-many', '-t', 'lint', '-p', others.join(','), '--output-style=static'], log);

process.env.ETL_LINT_WHOLE = wholeConfig();
// A file may be read twice, below: a parser that takes this for a single run, as it does in CI, knows no types the second time.
process.env.TSESTREE_SINGLE_RUN = 'false';
// The rule of boundaries keeps its graph where it knows that nobody edits meanwhile, and knows that by the name of the program. Else it reads the graph anew for each file.
process.argv[1] = join(root, 'node_modules', 'nx', 'dist', 'bin', 'run-executor.js');
const { ESLint } = await import('eslint');
const eslint = new ESLint({ cwd: root });
const results = await eslint.lintFiles(alike);
process.stdout.write((await eslint.loadFormatter('stylish')).format(results));
let red = results.filter(({ errorCount, warningCount }) => errorCount + warningCount > 0).length;

const PLANTED = [["import '@agent-etl/monitor';", '@nx/enforce-module-boundaries'], ['async function go(): Promise<void> {}\nexport function start(): void { go(); }', '@typescript-eslint/no-floating-promises']];
for (const [text, rule] of PLANTED) {
  const [{ messages }] = await eslint.lintText(text, { filePath: join(root, 'libs', 'orchestrator', 'src', 'index.ts') });
  if (messages.some(({ ruleId }) => ruleId === rule)) continue;
  red += 1;
  process.stdout.write(`  NOT PROVEN ${rule} does not see ${JSON.stringify(text)}\n`);
}
const { status } = await aside;
process.stdout.write(`${readFileSync(log, 'utf8')}\n  ${results.length} files of ${alike.length} projects at once, ${others.join(' and ')} by themselves\n`);
process.exit(red || status ? 1 : 0);
