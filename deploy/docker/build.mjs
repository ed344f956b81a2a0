// `npm run images [-- APP …] [--to FOLDER] [--folders] [--relock]`: the images as OCI layouts, without a container engine. Bundles come from `npm run build`.
// The bytes depend on the tree, the lock and SOURCE_DATE_EPOCH alone (the commit's time when it is not set): building twice gives the same digest.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { baseEntries, extraEntries, relock } from './base.mjs';
import { contentsOf } from './contents.mjs';
import { apps, configOf, extrasOf, hasDashboard, labelsOf } from './images.mjs';
import { addLayer, linkBlob, writeImage } from './oci.mjs';

const MB = 1e6;
const git = (root, ...args) => { const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' }); return status === 0 ? stdout.trim() : ''; };

/** What the labels say: version, revision, time. */
export function aboutOf(root) {
  const seconds = Number(process.env.SOURCE_DATE_EPOCH ?? (git(root, 'log', '-1', '--format=%ct') || 0));
  const revision = git(root, 'rev-parse', 'HEAD');
  return {
    seconds, created: new Date(seconds * 1000).toISOString(), version: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version, base: 'debian:12 (files of packages)',
    revision: revision && git(root, 'status', '--porcelain', '--untracked-files=no') ? `${revision}-changed` : revision,
  };
}
function writeFolder(folder, entries) {
  rmSync(folder, { recursive: true, force: true });
  for (const { path, mode, source, data, target } of entries) {
    const at = join(folder, path);
    mkdirSync(dirname(at), { recursive: true });
    if (target !== undefined) { symlinkSync(target, at); continue; }
    if (source) cpSync(source, at); else writeFileSync(at, data);
    chmodSync(at, mode);
  }
}

/** Builds images into `to/<app>` from the tree `root`; `about` is what aboutOf says of it. Answers of each `{ app, digest, appBytes, packedBytes, layers }`; appBytes is what stands above the base, unpacked.
 * @throws Error with one line that says what is missing */
export async function buildImages({ root, cache, to, names = apps, about = aboutOf(root) }) {
  const shared = join(to, '.base'); // packed once, linked into every layout
  const base = await addLayer(shared, baseEntries(root, cache), about.seconds);
  const built = [];
  for (const app of names) {
    for (const part of [app, ...(hasDashboard(app) ? ['dashboard'] : [])]) if (!existsSync(join(root, 'dist', 'apps', part))) throw new Error(`dist/apps/${part} is missing: run npm run build first`);
    const layout = join(to, app);
    rmSync(layout, { recursive: true, force: true });
    const { packages, own } = await contentsOf(root, app, about);
    const layers = [{ what: 'base', ...base }];
    linkBlob(shared, layout, base.descriptor);
    for (const [what, entries] of Object.entries({ ...Object.fromEntries(extrasOf(app).map((extra) => [extra, extraEntries(cache, extra)])), packages, service: own })) layers.push({ what, ...await addLayer(layout, entries, about.seconds) });
    const digest = writeImage(layout, { layers, config: configOf(app), labels: labelsOf(app, about), tag: about.version, seconds: about.seconds });
    const above = layers.filter(({ what }) => what !== 'base');
    built.push({ app, digest, layers, appBytes: above.reduce((sum, { size }) => sum + size, 0), packedBytes: above.reduce((sum, { descriptor }) => sum + descriptor.size, 0) });
  }
  rmSync(shared, { recursive: true });
  return built;
}

if (process.argv[1] === import.meta.filename) {
  const root = join(import.meta.dirname, '..', '..');
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { to: { type: 'string' }, folders: { type: 'boolean' }, relock: { type: 'boolean' } } });
  const [cache, to, names] = [join(root, '.cache', 'images'), resolve(values.to ?? join(root, 'dist', 'images')), positionals.length ? positionals : apps];
  const unknown = names.filter((name) => !apps.includes(name));
  if (unknown.length) { process.stderr.write(`no image named ${unknown.join(', ')}: use ${apps.join(', ')}\n`); process.exit(2); }
  try {
    if (values.relock) { relock(cache); process.stdout.write('base.lock.json is what Debian has today\n'); }
    else if (values.folders) for (const app of names) { const { packages, own } = await contentsOf(root, app, aboutOf(root)); writeFolder(join(to, `${app}-app`), [...packages, ...own]); }
    else for (const { app, digest, appBytes, packedBytes } of await buildImages({ root, cache, to, names })) process.stdout.write(`${app.padEnd(14)} ${digest}  above the base ${(appBytes / MB).toFixed(1)} MB, packed ${(packedBytes / MB).toFixed(1)} MB\n`);
  } catch (error) { process.stderr.write(`${error.message}\n`); process.exit(1); }
}
