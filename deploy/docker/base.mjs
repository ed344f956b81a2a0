// The layer below every app: Node from the lock, and the few files of Debian that it loads. No package manager, no shell, no file with more rights than its reader.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { architecture } from './oci.mjs';
import { USER } from './images.mjs';

/** What is taken of each package; of all of them the copyright. */
const WANTED = {
  'base-files': /^usr\/lib\/os-release$/,
  libc6: /^(lib64\/|lib\/[^/]+\/(ld-linux-.*|lib(c|m|mvec|dl|pthread|rt|resolv|nss_dns|nss_files)\.so\.\d))/,
  'gcc-12-base': /^$/, 'libgcc-s1': /\/libgcc_s\.so\.1$/, 'libstdc++6': /\/libstdc\+\+\.so\.6[.\d]*$/, 'ca-certificates': /^usr\/share\/ca-certificates\/mozilla\//,
};
/** Programs that some images have beside. */
const EXTRAS = {
  pipes: { coreutils: /^usr\/bin\/mkfifo$/, libselinux1: /\/libselinux\.so\.1$/, 'libpcre2-8-0': /\/libpcre2-8\.so\.0[.\d]*$/ },
  shell: { dash: /^bin\/(dash|sh)$/, 'libc-bin': /^usr\/lib\/locale\/C\.utf8\// },
};
const lockFile = join(import.meta.dirname, 'base.lock.json');
const sha256 = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');
export const lockedBase = () => JSON.parse(readFileSync(lockFile, 'utf8'))[architecture];

/** Downloads what the lock names, or with `--relock` what Debian has today. @throws Error with one line when a package cannot be had as locked */
function download(folder, name, pinned) {
  const file = readdirSync(folder).find((one) => one.startsWith(`${name}_`) && (!pinned || sha256(join(folder, one)) === pinned.sha256));
  if (file) return join(folder, file);
  const get = () => spawnSync('apt-get', ['-q', 'download', pinned ? `${name}=${pinned.version}` : name], { cwd: folder, encoding: 'utf8' });
  let { status, stderr = '' } = get();
  if (status !== 0 && spawnSync('apt-get', ['-q', 'update'], { stdio: 'ignore' }).status === 0) ({ status, stderr } = get());
  const got = readdirSync(folder).find((one) => one.startsWith(`${name}_`));
  if (status !== 0 || !got) throw new Error(`apt-get download ${name}${pinned ? `=${pinned.version}` : ''}: ${stderr?.trim().split('\n').at(-1) ?? 'there is no apt-get'}; when Debian has a newer one: npm run images -- --relock`);
  if (pinned && sha256(join(folder, got)) !== pinned.sha256) { rmSync(join(folder, got)); throw new Error(`${got} has not the bytes that the lock names`); }
  return join(folder, got);
}
const field = (deb, name) => execFileSync('dpkg-deb', ['-f', deb, name], { encoding: 'utf8' }).trim();

/** Writes the lock anew from what Debian has today. */
export function relock(cache) {
  const folder = join(cache, 'fresh');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const packages = Object.keys(Object.assign({}, WANTED, ...Object.values(EXTRAS))).map((name) => {
    const deb = download(folder, name);
    return [name, { version: field(deb, 'Version'), sha256: sha256(deb) }];
  });
  const all = existsSync(lockFile) ? JSON.parse(readFileSync(lockFile, 'utf8')) : {};
  writeFileSync(lockFile, `${JSON.stringify({ ...all, [architecture]: Object.fromEntries(packages) }, null, 2)}\n`);
}

function filesBelow(folder, path = '') {
  return readdirSync(join(folder, path), { withFileTypes: true }).flatMap((entry) => {
    const at = path ? `${path}/${entry.name}` : entry.name;
    return entry.isDirectory() ? filesBelow(folder, at) : [at];
  });
}
function entryOf(folder, path) {
  const source = join(folder, path);
  const stat = lstatSync(source);
  return stat.isSymbolicLink() ? { path, target: readlinkSync(source) } : { path, mode: stat.mode & 0o111 ? 0o755 : 0o644, source };
}
function unpacked(cache, name) {
  const [debs, folder] = [join(cache, 'packages'), join(cache, 'unpacked', name)];
  mkdirSync(debs, { recursive: true });
  const deb = download(debs, name, lockedBase()[name]);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  execFileSync('dpkg-deb', ['-x', deb, folder]);
  return { deb, folder };
}
/** Files of one package, and what scanners read to know its version. */
function packageEntries(cache, name, wanted) {
  const { deb, folder } = unpacked(cache, name);
  const isWanted = (path) => wanted.test(path) || path === `usr/share/doc/${name}/copyright`;
  return [...filesBelow(folder).filter(isWanted).map((path) => entryOf(folder, path)), { path: `var/lib/dpkg/status.d/${name}`, mode: 0o644, data: execFileSync('dpkg-deb', ['-f', deb]) }];
}
const text = (path, data) => ({ path, mode: 0o644, data: Buffer.from(data) });

/** Entries of the base layer. @param cache folder for what is downloaded */
export function baseEntries(root, cache) {
  const debian = Object.entries(WANTED).flatMap(([name, wanted]) => packageEntries(cache, name, wanted));
  const authorities = debian.filter(({ path }) => path.startsWith('usr/share/ca-certificates/')).sort((one, other) => (one.path < other.path ? -1 : 1));
  const node = join(root, 'node_modules', `node-linux-${arch()}`);
  return [
    ...debian.filter((entry) => !authorities.includes(entry)), text('etc/ssl/certs/ca-certificates.crt', authorities.map(({ source }) => readFileSync(source, 'utf8').trimEnd()).join('\n') + '\n'),
    { path: 'usr/local/bin/node', mode: 0o755, source: join(node, 'bin', 'node') }, { path: 'usr/share/doc/nodejs/LICENSE', mode: 0o644, source: join(node, 'LICENSE') },
    text('etc/passwd', `root:x:0:0:root:/:/none\netl:x:${USER}:${USER}::/:/none\n`), text('etc/group', `root:x:0:\netl:x:${USER}:\n`), text('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
    ...['dev', 'proc', 'sys', 'run/secrets'].map((path) => ({ path, mode: 0o755, isFolder: true })), { path: 'tmp', mode: 0o1777, isFolder: true },
  ];
}
/** Entries of a layer that some images have beside. @param extra a name of EXTRAS */
export const extraEntries = (cache, extra) => [...Object.entries(EXTRAS[extra]).flatMap(([name, wanted]) => packageEntries(cache, name, wanted)), ...(extra === 'shell' ? [{ path: 'project', mode: 0o1777, isFolder: true }] : [])];
/** Debian packages of an image: name -> `{ version, sha256 }`. @param extras names of EXTRAS */
export function debianOf(extras) {
  const names = new Set([WANTED, ...extras.map((extra) => EXTRAS[extra])].flatMap(Object.keys));
  return Object.fromEntries(Object.entries(lockedBase()).filter(([name]) => names.has(name)));
}
