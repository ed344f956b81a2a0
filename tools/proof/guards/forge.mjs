// What a forge reads: its files are valid by their schemas, workflows run commands of the README and nothing else, and the pages that people look for are there.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parse } from 'yaml';

const pages = ['LICENSE', 'README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md', '.github/pull_request_template.md'];
const schemas = { 'vendor.github-workflows': /^\.github\/workflows\//, 'vendor.dependabot': /^\.github\/dependabot\.yml$/, 'vendor.github-issue-config': /^\.github\/ISSUE_TEMPLATE\/config\.yml$/, 'vendor.github-issue-forms': /^\.github\/ISSUE_TEMPLATE\/(?!config)/ };

const judged = new Map();
/** One line for each mistake that a schema finds; the files are read where they are. Files that have not changed are not judged again. */
export function schemaFaults(tree, tools, schema, names) {
  const key = JSON.stringify([schema, names.map((name) => [name, tree.text(name)])]);
  if (!judged.has(key)) judged.set(key, judge(tree, tools, schema, names));
  return judged.get(key);
}
function judge(tree, { checkJsonSchema }, schema, names) {
  if (names.length === 0) return [`no file for ${schema}`];
  const { status, stdout, stderr } = spawnSync(checkJsonSchema, ['--builtin-schema', schema, ...names], { cwd: tree.folder, encoding: 'utf8' });
  return status === 0 ? [] : (stdout + stderr).trim().split('\n').slice(1).map((line) => line.trim()).filter(Boolean);
}
function workflowFaults(tree, name) {
  const workflow = parse(tree.text(name));
  const scripts = tree.json('package.json').scripts;
  const isCommand = (line) => line === '.ci/run' || (/^npm (?:test|run [\w-]+(?: -- [\w -]+)?)$/.test(line) && Boolean(scripts[/^npm (?:run )?([\w-]+)/.exec(line)[1]]));
  const steps = Object.values(workflow.jobs ?? {}).flatMap(({ steps: list = [] }) => list);
  return [
    ...steps.flatMap(({ run = '' }) => run.split('\n').filter(Boolean)).filter((line) => !isCommand(line.trim())).map((line) => `${name}: runs ${line.trim()}, which is no command of the repository`),
    ...(JSON.stringify(workflow.permissions) === '{"contents":"read"}' ? [] : [`${name}: its token may do more than read`]),
    ...(tree.text(name).includes('pull_request_target') ? [`${name}: runs code of strangers with secrets`] : []),
    ...steps.filter(({ uses = '', with: options = {} }) => uses.startsWith('actions/checkout@') && options['persist-credentials'] !== false).map(() => `${name}: leaves its token behind`),
  ];
}
/** Places that updates are sought in exist, and every place that holds versions is sought in. */
function updateFaults(tree) {
  const { updates } = parse(tree.text('.github/dependabot.yml'));
  const covered = new Set(updates.flatMap(({ 'package-ecosystem': kind, directory, directories = [directory] }) => directories.map((one) => `${kind} ${normalize(one).replace(/^\/|\/$/g, '') || '.'}`)));
  const sources = { npm: /^package\.json$/, docker: /(?:^|\/)Dockerfile$/, 'docker-compose': /(?:^|\/)compose\.yaml$/, pip: /(?:^|\/)requirements\.txt$/, maven: /(?:^|\/)pom\.xml$/ };
  const wanted = new Set(Object.entries(sources).flatMap(([kind, pattern]) => tree.names(pattern).map((name) => `${kind} ${dirname(name)}`)));
  return [...[...wanted].filter((one) => !covered.has(one)).map((one) => `.github/dependabot.yml does not look at ${one}`),
    ...[...covered].filter((one) => !one.startsWith('github-actions') && !wanted.has(one)).map((one) => `.github/dependabot.yml looks at ${one}, which is not there`)];
}
const links = (tree) => pages.filter((name) => name.endsWith('.md') && tree.has(name)).flatMap((name) => [...tree.text(name).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].filter(([, to]) => !existsSync(join(tree.folder, dirname(name), to))).map(([, to]) => `${name} links ${to}, which is not there`));

export const forge = {
  says: 'forge files are valid, workflows run the commands that people run, updates look everywhere, pages are there',
  async look(tree, tools) {
    const findings = [
      ...pages.filter((name) => !tree.has(name)).map((name) => `${name} is missing`), ...links(tree),
      ...Object.entries(schemas).flatMap(([schema, pattern]) => schemaFaults(tree, tools, schema, tree.names(pattern))),
      ...tree.names(schemas['vendor.github-workflows']).flatMap((name) => workflowFaults(tree, name)), ...updateFaults(tree),
      ...(tree.has('LICENSE') && tree.json('package.json').license === 'Apache-2.0' && !tree.text('LICENSE').includes('Apache License') ? ['LICENSE is another one than package.json says'] : []),
    ];
    return { looked: `${tree.names(/^\.github\//).length} files, ${pages.length} pages`, findings };
  },
  faults: Object.fromEntries(Object.entries({
    'a workflow with a key that no forge knows': ['.github/workflows/ci.yml', (text) => text.replace('timeout-minutes: 60', 'timeout: 60'), 'timeout'],
    'a command that only the forge runs': ['.github/workflows/ci.yml', (text) => text.replace('- run: .ci/run', '- run: npm ci && npx jest'), 'no command of the repository'],
    'a script that does not exist': ['.github/workflows/ci.yml', (text) => text.replace('npm run proof -- spark', 'npm run prove -- spark'), 'npm run prove'],
    'a token that may write': ['.github/workflows/ci.yml', (text) => text.replace('contents: read', 'contents: write'), 'more than read'],
    'an issue form without a label': ['.github/ISSUE_TEMPLATE/bug.yml', (text) => text.replace('label: What happened, ', ''), 'bug.yml'],
    'an update interval that does not exist': ['.github/dependabot.yml', (text) => text.replace('interval: weekly', 'interval: hourly'), 'hourly'],
    'requirements that no update looks at': ['.github/dependabot.yml', (text) => text.replace('/tools/provision/helm, ', ''), 'pip tools/provision/helm'],
    'a link to nowhere': ['CONTRIBUTING.md', (text) => text.replace('docs/glossary.md', 'docs/words.md'), 'docs/words.md'],
  }).map(([what, [name, change, named]]) => [what, { plant: (tree) => tree.edit(name, change), named }])),
};
