// Two versions of the services: the one before, from the commit that the repository names, and the next one, rehearsed on this tree.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache, environment, root } from '../../install.mjs';

export const apps = ['orchestrator', 'etl-worker', 'dag-generator', 'monitor'];
const folder = join(cache, 'upgrade');
const stated = JSON.parse(readFileSync(join(import.meta.dirname, 'previous-release.json'), 'utf8'));
const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 30 });
const programs = (tree, dist = join(tree, 'dist', 'apps')) => Object.fromEntries(apps.map((app) => [app, join(dist, app, 'main.js')]));
function bundle(tree) {
  for (const app of apps) {
    const { status, stdout, stderr } = spawnSync(join(root, 'node_modules', '.bin', 'node'), [join(tree, 'tools', 'bundle.mjs')], { cwd: join(tree, 'apps', app), encoding: 'utf8', env: environment() });
    if (status !== 0) throw new Error(`${app} of ${tree} does not bundle: ${stdout}${stderr}`);
  }
}

/** The release before: a checkout of its commit with packages of its own; where the clone does not have that commit, this tree as it stands. `says` tells which. */
export function previousVersion() {
  const { release, commit } = stated;
  if (git('cat-file', '-e', `${commit}^{commit}`).status !== 0) {
    bundle(root);
    return { programs: programs(root), says: `N-1 is THIS tree: the clone does not have commit ${commit.slice(0, 12)} of release ${release}. Only what the rehearsal adds differs` };
  }
  const tree = join(folder, `previous-${commit.slice(0, 12)}`);
  const stamp = join(tree, 'dist', '.built');
  if (!existsSync(stamp)) {
    rmSync(tree, { recursive: true, force: true });
    mkdirSync(tree, { recursive: true });
    execFileSync('sh', ['-euc', `git -C "${root}" archive ${commit} | tar -x -C "${tree}"; cp -al "${root}/node_modules" "${tree}/node_modules" 2>/dev/null || cp -a "${root}/node_modules" "${tree}/node_modules"`]);
    bundle(tree);
    writeFileSync(stamp, '');
  }
  return { programs: programs(tree), says: `N-1 is built from commit ${commit.slice(0, 12)}, release ${release}` };
}
/** This tree, with what a next release may bring: a higher number, migrations that add, a field that nobody knows in every message. */
export function nextVersion() {
  const dist = join(folder, 'next', 'apps');
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules', '.bin', 'node'), [join(import.meta.dirname, 'bundle-rehearsal.mjs'), dist, ...apps], { cwd: root, encoding: 'utf8', env: environment() });
  if (status !== 0) throw new Error(`the rehearsal does not bundle: ${stdout}${stderr}`);
  return { programs: programs(root, dist), says: `N is this tree (${git('rev-parse', '--short=12', 'HEAD').stdout.trim() || 'no git'}) with a rehearsed change: ${stdout.trim()}` };
}
