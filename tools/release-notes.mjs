// `npm run release-notes [-- FROM [TO]]`: what is different for a reader, from the first lines of commits. FROM is the latest tag `v…` when left out, or the beginning; TO is HEAD.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const git = (...args) => spawnSync('git', args, { cwd: process.env.ETL_RELEASE_REPOSITORY ?? root, encoding: 'utf8', maxBuffer: 2 ** 26 });

/** Where a commit belongs, by the files it touches: the first section that holds one of them. */
const sections = [
  ['For those who deploy', /^deploy\/|^\.github\/|^docs\/(?:kubernetes|troubleshooting|upgrade)/], ['Command line', /^apps\/cli\//], ['Dashboard', /^apps\/dashboard\//], ['Connectors and engines', /^libs\/(?:connectors|engines)\//],
  ['Planning, SQL and DAGs', /^libs\/(?:planning|sql-safety|dag-rendering|dag-generator)\//], ['Runs, messages and state', /^(?:libs|apps)\//], ['Tests, proofs and bench', /^tools\/|\.ci\//], ['Pages', /\.md$/],
];
export const sectionOf = (files) => sections.find(([, pattern]) => files.some((file) => pattern.test(file)))?.[0] ?? 'Other';
const escaped = (text) => text.replace(/[<>*_[\]`]/g, (one) => `\\${one}`);
/** Release notes as Markdown. Merges say nothing of their own; the same line twice is one; a commit whose body has a line `BREAKING: …` comes first with it. */
export function releaseNotes(title, commits) {
  const told = commits.filter(({ subject, parents }) => parents < 2 && !/^(?:Merge|fixup!|squash!|Revert "Revert)/.test(subject));
  const unique = [...new Map(told.map((commit) => [commit.subject, commit])).values()];
  const line = ({ subject, hash }) => `- ${escaped(subject.trim().replace(/\.$/, ''))} (${hash})`;
  const breaking = unique.flatMap(({ body, hash }) => [...body.matchAll(/^BREAKING: (.+)$/gm)].map(([, text]) => `- ${escaped(text)} (${hash})`));
  const of = (name) => unique.filter(({ files }) => sectionOf(files) === name);
  const parts = [...sections.map(([name]) => name), 'Other'].filter((name) => of(name).length > 0).map((name) => `## ${name}\n\n${of(name).map(line).join('\n')}`);
  return [`# ${title}`, ...(breaking.length ? [`## Before you upgrade\n\n${breaking.join('\n')}`] : []), ...(parts.length ? parts : ['Nothing has changed.'])].join('\n\n') + '\n';
}

/** Commits between two points, the latest first. @throws Error that names what git does not know */
export function commitsOf(from, to) {
  const { status, stdout, stderr } = git('log', '--no-color', '--format=%x1e%h%x1f%P%x1f%s%x1f%b%x1f', '--name-only', from ? `${from}..${to}` : to);
  if (status !== 0) throw new Error(stderr.trim().split('\n')[0]);
  return stdout.split('\x1e').slice(1).map((text) => { const [hash, parents, subject, body, files] = text.split('\x1f'); return { hash, parents: parents.split(' ').filter(Boolean).length, subject, body, files: files.split('\n').filter(Boolean) }; });
}

if (process.argv[1] === import.meta.filename) {
  const [from = git('describe', '--tags', '--abbrev=0', '--match', 'v*').stdout.trim() || undefined, to = 'HEAD'] = process.argv.slice(2);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  try { process.stdout.write(releaseNotes(version, commitsOf(from, to))); } catch (error) { process.stderr.write(`${error.message}\n`); process.exit(2); }
}
