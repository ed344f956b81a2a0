import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const program = join(import.meta.dirname, 'release-notes.mjs');
const folder = mkdtempSync(join(tmpdir(), 'etl-notes-'));
const git = (...args: string[]): string => execFileSync('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@localhost', ...args], { encoding: 'utf8' });
const commit = (file: string, ...message: string[]): void => {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), message.join());
  git('add', '-A');
  git('commit', '-qm', message.join('\n\n'));
};
const notes = (...args: string[]): { status: number | null; stdout: string; stderr: string } => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env: { ...process.env, ETL_RELEASE_REPOSITORY: folder } });
const bare = (text: string): string => text.replace(/ \([0-9a-f]{7,}\)$/gm, '');

beforeAll(() => {
  git('init', '-q', '-b', 'main');
  commit('libs/persistence/a.ts', 'Before the tag');
  git('tag', 'v0.1.0');
  commit('apps/cli/a.ts', 'A run says how long it took.');
  commit('deploy/helm/a.yaml', 'The chart asks for *one* more value', 'Because of that.\n\nBREAKING: set kafka.sasl before you upgrade');
  git('checkout', '-qb', 'side');
  commit('docs/a.md', 'A page says why');
  git('checkout', '-q', 'main');
  commit('libs/connectors/a.ts', 'Files of Excel are read');
  git('merge', '-q', '--no-ff', '-m', "Merge branch 'side'", 'side');
  commit('libs/connectors/b.ts', 'Files of Excel are read');
});
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

describe('release notes', () => {
  it('tell what came since the latest tag, by what it touches, and first what has to be done', () => {
    expect(bare(notes().stdout).split('\n').filter(Boolean).slice(1)).toEqual(['## Before you upgrade', '- set kafka.sasl before you upgrade', '## For those who deploy', '- The chart asks for \\*one\\* more value',
      '## Command line', '- A run says how long it took', '## Connectors and engines', '- Files of Excel are read', '## Pages', '- A page says why']);
  });
  it('take any two points', () => { expect(notes('v0.1.0', 'v0.1.0').stdout).toContain('Nothing has changed.'); });
  it('name a point that git does not know', () => { expect(notes('v9')).toMatchObject({ status: 2, stderr: expect.stringContaining('v9') }); });
});
