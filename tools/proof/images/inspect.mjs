// What is wrong with an image, judged from its bytes alone against the lock, the installed packages and Debian's own sums. Nothing here asks the builder.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { arch } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { lockedBase } from '../../../deploy/docker/base.mjs';
import { hasDashboard, hasShell } from '../../../deploy/docker/images.mjs';
import { readImage } from '../../../deploy/docker/oci.mjs';
import { readTar } from '../../../deploy/docker/tar.mjs';

const LABELS = ['title', 'description', 'version', 'revision', 'created', 'licenses', 'vendor', 'base.name'].map((name) => `org.opencontainers.image.${name}`);
const PROGRAMS = /(^|\/)(s?bin)\/(sh|bash|dash|busybox|ash|zsh|apt|apt-get|dpkg|npm|npx|corepack|yarn|curl|wget|perl|python3?)$/;
const PRIVATE = /(^|\/)(\.npmrc|\.env|\.git|\.ssh|id_rsa|id_ed25519)(\/|$)/;
/** Files of the base that no package brings: ours, a few lines each. */
const OWN_OF_BASE = /^(etc\/(passwd|group|nsswitch\.conf|ssl\/certs\/ca-certificates\.crt)|var\/lib\/dpkg\/status\.d\/[a-z0-9.+-]+)$/;
const hash = (kind, data) => createHash(kind).update(data).digest('hex');
const within = (component) => component.properties?.[0]?.value;

/** An image as the inspection sees it: `{ digest, config, labels, entries }`, entries of all layers in order. @throws Error naming a blob with other bytes */
export function openImage(layout) {
  const { digest, config, layers } = readImage(layout);
  config.rootfs.diff_ids.forEach((diffId, index) => { if (`sha256:${hash('sha256', gunzipSync(layers[index]))}` !== diffId) throw new Error(`layer ${index} is not what the configuration says`); });
  return { digest, created: config.created, config: config.config, labels: config.config.Labels, entries: layers.flatMap((layer) => readTar(gunzipSync(layer))) };
}

/** Sums that Debian gives with its packages: path -> MD5. */
export function debianSums(cache) {
  const folder = join(cache, 'packages');
  const pinned = Object.values(lockedBase()).map(({ sha256 }) => sha256);
  const debs = readdirSync(folder).map((name) => join(folder, name)).filter((deb) => pinned.includes(hash('sha256', readFileSync(deb))));
  return new Map(debs.flatMap((deb) => execFileSync('dpkg-deb', ['-I', deb, 'md5sums'], { encoding: 'utf8' }).trim().split('\n').map((line) => [line.slice(34), line.slice(0, 32)])));
}

function configBreaches({ config, labels, created }) {
  const [uid] = config.User.split(':');
  return [
    ...(/^[1-9]\d*$/.test(uid) ? [] : [`runs as the user ${config.User}`]), ...(config.Entrypoint[0] === '/usr/local/bin/node' ? [] : [`starts ${config.Entrypoint[0]}`]),
    ...LABELS.filter((name) => !labels?.[name]).map((name) => `has no label ${name}`), ...(labels?.['org.opencontainers.image.created'] === created ? [] : ['says two times of its making']),
  ];
}
/** Who may do what with a file: nobody but root may change one. */
function rightsBreaches(app, { created, entries }) {
  const seconds = Date.parse(created) / 1000;
  const open = hasShell(app) ? ['tmp', 'project'] : ['tmp'];
  const paths = new Set(entries.map(({ path }) => path));
  return entries.flatMap(({ path, type, mode, uid, gid, mtime, target }) => [
    ...(uid || gid ? [`${path} belongs to ${uid}:${gid}`] : []), ...(mode & 0o6000 ? [`${path} gives the rights of its owner`] : []), ...(mtime === seconds ? [] : [`${path} has a time of its own`]),
    ...(type !== 'link' && mode & 0o022 && !open.includes(path) ? [`${path} can be written by others`] : []),
    ...(PROGRAMS.test(path) && !(hasShell(app) && /^bin\/(sh|dash)$/.test(path)) ? [`${path} is a program that no service needs`] : []), ...(PRIVATE.test(path) ? [`${path} is private`] : []),
    ...(type === 'link' && !paths.has(posix.join(target.startsWith('/') ? '' : dirname(path), target).replace(/^\//, '')) ? [`${path} points to nothing`] : []),
  ]);
}
/** Every file comes from somewhere, with the bytes that it has there. */
function originBreaches(app, { entries }, { root, sums }) {
  const same = (entry, file) => existsSync(file) && readFileSync(file).equals(entry.data);
  const judge = (entry) => {
    const { path } = entry;
    if (sums.has(path)) return hash('md5', entry.data) === sums.get(path);
    if (OWN_OF_BASE.test(path)) return true;
    if (path === 'usr/local/bin/node') return same(entry, join(root, 'node_modules', `node-linux-${arch()}`, 'bin', 'node'));
    if (path === 'usr/share/doc/nodejs/LICENSE') return same(entry, join(root, 'node_modules', `node-linux-${arch()}`, 'LICENSE'));
    if (path.startsWith('app/node_modules/')) return same(entry, join(root, path.slice('app/'.length)));
    if (path.startsWith('app/service/')) return same(entry, join(root, 'dist', 'apps', app, path.slice('app/service/'.length)));
    if (path.startsWith('app/dashboard/')) return hasDashboard(app) && same(entry, join(root, 'dist', 'apps', 'dashboard', path.slice('app/dashboard/'.length)));
    if (path === 'app/start.mjs') return same(entry, join(root, 'deploy', 'docker', 'start.mjs'));
    if (path === 'app/LICENSE') return same(entry, join(root, 'LICENSE'));
    return path === 'app/package.json' || path === 'app/sbom.cdx.json';
  };
  return entries.filter(({ type }) => type === 'file').filter((entry) => !judge(entry)).map(({ path }) => `${path} comes from nowhere, or has other bytes than there`);
}
const packageRoot = /^app\/((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/@]+)\/package\.json$/;

/** The list that the image carries is what stands in it, and what the lock says of that. */
function sbomBreaches(app, { entries }, { root }) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const sbom = JSON.parse(entries.find(({ path }) => path === 'app/sbom.cdx.json')?.data ?? '{"components":[]}');
  const listed = new Map(sbom.components.filter((one) => within(one) === 'node_modules').map((one) => [one['bom-ref'].replace(/@[^@]*$/, ''), one]));
  const present = new Map(entries.flatMap(({ path, data }) => { const at = packageRoot.exec(path)?.[1]; return at ? [[at, JSON.parse(data)]] : []; }));
  const wrong = [...present].flatMap(([at, { version }]) => {
    const entry = lock[at];
    const one = listed.get(at);
    if (!entry) return [`${at} is not in the lock`];
    if (!one) return [`${at} is not in the SBOM`];
    const integrity = `sha512-${Buffer.from(one.hashes[0].content, 'hex').toString('base64')}`;
    return entry.version === version && one.version === version && integrity === entry.integrity ? [] : [`${at} is ${version}, the SBOM says ${one.version}, the lock ${entry.version}, or their integrity differs`];
  });
  const orphans = entries.filter(({ path, type }) => type === 'file' && path.startsWith('app/node_modules/')).map(({ path }) => path).filter((path) => !ownerIn(present, path.slice('app/'.length)));
  const base = new Set(entries.flatMap(({ path }) => /^var\/lib\/dpkg\/status\.d\/(.+)$/.exec(path)?.[1] ?? []));
  const debian = new Set(sbom.components.filter(({ purl }) => purl.startsWith('pkg:deb/')).map(({ name }) => name));
  const direct = hasDashboard(app) ? Object.keys(JSON.parse(readFileSync(join(root, 'apps', 'dashboard', 'package.json'), 'utf8')).dependencies).filter((name) => !name.startsWith('@agent-etl/')) : [];
  return [
    ...wrong, ...[...listed.keys()].filter((at) => !present.has(at)).map((at) => `the SBOM lists ${at}, which is not there`), ...orphans.map((path) => `${path} belongs to no package`),
    ...[...base.symmetricDifference(debian)].map((name) => `Debian's ${name} is in the image or in the SBOM, not in both`),
    ...direct.filter((name) => !sbom.components.some((one) => one.name === name)).map((name) => `the SBOM lacks ${name}, which the dashboard holds`),
  ];
}
/** The package that a file belongs to: the nearest folder above it that is one. */
function ownerIn(present, path) {
  for (let at = dirname(path); at !== '.'; at = dirname(at)) if (present.has(at)) return at;
  return null;
}

/** Everything that is wrong, as sentences; empty when all is right. @param ground `{ root, sums }` */
export function breachesOf(app, image, ground) {
  const seen = new Set();
  const twice = image.entries.filter(({ type, path }) => type !== 'folder' && seen.size === seen.add(path).size).map(({ path }) => `${path} stands in two layers`);
  return [...configBreaches(image), ...rightsBreaches(app, image), ...originBreaches(app, image, ground), ...sbomBreaches(app, image, ground), ...twice];
}
/** How many npm packages and others the list of an image names. */
export function countsOf({ entries }) {
  const { components } = JSON.parse(entries.find(({ path }) => path === 'app/sbom.cdx.json').data);
  return { npm: components.filter(({ purl }) => purl.startsWith('pkg:npm/')).length, debian: components.filter(({ purl }) => purl.startsWith('pkg:deb/')).length, files: entries.filter(({ type }) => type === 'file').length };
}
