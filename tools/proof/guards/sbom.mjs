// The bill of materials that npm writes of the packages that are installed, against the lock: the same names, versions and digests, none more and none less.
import { spawnSync } from 'node:child_process';

const digestOf = (integrity = '') => Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
/** The name of the package itself: an alias is installed under another one. */
const nameOf = (path, entry) => entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
/** `name@version` -> digest, of the lock's packages that come from a registry. */
const locked = (lock) => new Map(Object.entries(lock.packages).filter(([path, entry]) => path.includes('node_modules/') && !entry.link).map(([path, entry]) => [`${nameOf(path, entry)}@${entry.version}`, { digest: digestOf(entry.integrity), optional: Boolean(entry.optional || entry.peer || entry.devOptional) }]));

/** What two lists differ in, in words. Packages for other machines are in the lock and not on this one. */
export function differences(bill, lock) {
  const wanted = locked(lock);
  const components = new Map(bill.components.map((one) => [decodeURIComponent(one.purl.replace('pkg:npm/', '')), one]));
  const own = ([name]) => !name.startsWith('@agent-etl/');
  return [
    ...[...components].filter(own).filter(([name]) => !wanted.has(name)).map(([name]) => `${name} is installed and not in the lock`),
    ...[...wanted].filter(([name, { optional }]) => !optional && !components.has(name)).map(([name]) => `${name} is in the lock and not installed`),
    ...[...components].filter(([name]) => wanted.has(name)).filter(([name, { hashes = [] }]) => hashes.find(({ alg }) => alg === 'SHA-512')?.content !== wanted.get(name).digest).map(([name]) => `${name} has another digest than the lock`),
  ];
}

let written;
/** npm reads what is installed beside the real tree; a copy has no packages and is held against the same bill. */
function billOf({ environment, root }) {
  if (written) return written;
  const { status, stdout, stderr } = spawnSync('npm', ['sbom', '--sbom-format', 'cyclonedx'], { cwd: root, env: environment, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`npm sbom: ${stderr.trim().split('\n').at(0)}`);
  return (written = JSON.parse(stdout));
}
export const sbom = {
  says: 'the bill of materials equals the lock: names, versions, SHA-512',
  async look(tree, tools) {
    const bill = billOf(tools);
    return { looked: `${bill.components.length} components`, findings: differences(bill, tree.json('package-lock.json')) };
  },
  faults: {
    'a package that the lock does not have': { plant: (tree) => tree.editJson('package-lock.json', (lock) => { delete lock.packages['node_modules/zod']; }), named: 'zod@' },
    'a package that is not installed': { plant: (tree) => tree.editJson('package-lock.json', (lock) => { lock.packages['node_modules/planted'] = { version: '1.0.0', integrity: 'sha512-AAAA' }; }), named: 'planted@1.0.0 is in the lock' },
    'another version': { plant: (tree) => tree.editJson('package-lock.json', (lock) => { lock.packages['node_modules/kafkajs'].version = '2.2.3'; }), named: 'kafkajs@2.2.3' },
    'other bytes under the same version': { plant: (tree) => tree.editJson('package-lock.json', (lock) => { lock.packages['node_modules/pg'].integrity = `sha512-${Buffer.alloc(64, 7).toString('base64')}`; }), named: 'another digest' },
  },
};
