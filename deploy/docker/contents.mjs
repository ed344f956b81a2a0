// The folder /app of an image: our bundle, the packages that it imports without what only compilers read, the dashboard where it is served, the list of all that.
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { debianOf } from './base.mjs';
import { extrasOf, hasDashboard } from './images.mjs';
import { lockOf, packagesOf, programsOf } from './packages.mjs';
import { sbomOf } from './sbom.mjs';

const FOR_COMPILERS = /\.([cm]?ts|map|md|markdown|flow|tsbuildinfo)$/i;
const LEGAL = /^(licen[cs]e|notice|copying|copyright)/i;
const file = (path, source) => ({ path, mode: lstatSync(source).mode & 0o111 ? 0o755 : 0o644, source });

function filesOf(folder, path, isWanted) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const [source, at] = [join(folder, entry.name), `${path}/${entry.name}`];
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesOf(source, at, isWanted);
    if (entry.isSymbolicLink()) return [{ path: at, target: readlinkSync(source) }];
    return isWanted(entry.name) ? [file(at, source)] : [];
  });
}
/** Files of one package; what it has installed below itself is a package of its own. */
const packageFiles = (root, at) => filesOf(join(root, at), `app/${at}`, (name) => LEGAL.test(name) || !FOR_COMPILERS.test(name));

/** `{ packages, own }`: entries of two layers, of which the first changes with the lock only. @param about `{ version, created }` */
export async function contentsOf(root, app, about) {
  const { packages, inlined } = await packagesOf(root, app, { hasDashboard: hasDashboard(app) });
  const sbom = sbomOf(root, app, { ...about, lock: lockOf(root), packages, inlined, node: `node_modules/node-linux-${arch()}`, debian: debianOf(extrasOf(app)) });
  const bundle = join(root, 'dist', 'apps', app);
  const manifest = { name: `@agent-etl/${app}`, version: about.version, private: true, type: 'module', license: 'Apache-2.0' };
  return {
    packages: packages.flatMap((at) => packageFiles(root, at)),
    own: [
      ...programsOf(bundle).map((name) => file(`app/service/${name}`, join(bundle, name))), ...(hasDashboard(app) ? filesOf(join(root, 'dist', 'apps', 'dashboard'), 'app/dashboard', () => true) : []),
      file('app/start.mjs', join(import.meta.dirname, 'start.mjs')), file('app/LICENSE', join(root, 'LICENSE')),
      { path: 'app/package.json', mode: 0o644, data: Buffer.from(`${JSON.stringify(manifest)}\n`) }, { path: 'app/sbom.cdx.json', mode: 0o644, data: Buffer.from(`${JSON.stringify(sbom, null, 1)}\n`) },
    ],
  };
}
