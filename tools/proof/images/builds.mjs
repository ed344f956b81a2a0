// Builds the images twice: from this tree, and from a copy of it elsewhere that is bundled anew under another time zone, language and umask.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { aboutOf, buildImages } from '../../../deploy/docker/build.mjs';
import { apps, hasDashboard } from '../../../deploy/docker/images.mjs';
import { cache, root } from '../../install.mjs';

const MB = 1e6;
export const LIMITS_MB = { orchestrator: 120, 'dag-generator': 120, monitor: 120, 'etl-worker': 180 };
const imageCache = join(cache, 'images');

/** A copy of what git knows, with the packages linked where the disk allows it. */
function copyTree(to) {
  mkdirSync(to, { recursive: true });
  const names = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
  for (const name of names) cpSync(join(root, name), join(to, name), { verbatimSymlinks: true });
  const link = (flag) => spawnSync('cp', [flag, join(root, 'node_modules'), join(to, 'node_modules')], { stdio: 'ignore' }).status === 0;
  if (!link('-al')) { rmSync(join(to, 'node_modules'), { recursive: true, force: true }); if (!link('-a')) throw new Error('node_modules cannot be copied'); }
}
function bundleAgain(tree) {
  const env = { ...process.env, TZ: 'Asia/Kolkata', LANG: 'C', LC_ALL: 'C', PATH: `${join(tree, 'node_modules', '.bin')}:${process.env.PATH}` };
  const run = (app, ...command) => {
    const { status, stderr } = spawnSync('sh', ['-c', `umask 077; exec "$@"`, 'sh', ...command], { cwd: join(tree, 'apps', app), env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${app} does not bundle: ${stderr.trim().split('\n').at(-1)}`);
  };
  for (const app of apps) run(app, 'node', join(tree, 'tools', 'bundle.mjs'));
  if (apps.some(hasDashboard)) run('dashboard', 'vite', 'build');
}

/** Answers what was built, in `to`. @throws Error with one line when something cannot be had */
export async function proveBuilds(check, { to, work }) {
  const about = aboutOf(root);
  const first = await buildImages({ root, cache: imageCache, to, about });
  const copy = join(work, 'a copy of the tree');
  copyTree(copy);
  bundleAgain(copy);
  const second = await buildImages({ root: copy, cache: join(work, 'cache'), to: join(work, 'again'), about });
  rmSync(copy, { recursive: true, force: true });
  first.forEach(({ app, digest, appBytes, packedBytes }, index) => {
    check(second[index].digest === digest, `${app}: twice ${digest}${second[index].digest === digest ? '' : `, not ${second[index].digest}`}`);
    const limit = LIMITS_MB[app];
    check(!limit || appBytes <= limit * MB, `${app}: ${(appBytes / MB).toFixed(1)} MB above the base${limit ? ` of at most ${limit}` : ', no target'} (${(packedBytes / MB).toFixed(1)} packed)`);
  });
  const base = first[0].layers.find(({ what }) => what === 'base');
  process.stdout.write(`       the base that all share: ${(base.size / MB).toFixed(1)} MB (${(base.descriptor.size / MB).toFixed(1)} packed), of it Node ${(readFileSync(join(root, 'node_modules', '.bin', 'node')).length / MB).toFixed(1)}\n`);
  rmSync(join(work, 'again'), { recursive: true, force: true });
}
