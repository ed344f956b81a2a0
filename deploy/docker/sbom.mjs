// What an image holds, as CycloneDX: npm packages with the lock's integrity, code inside the dashboard's files, Debian's packages, Node. No clock, no serial: the same image says the same.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { architecture } from './oci.mjs';

const nameOf = (at) => at.slice(at.lastIndexOf('node_modules/') + 'node_modules/'.length);
const purl = (name, version) => `pkg:npm/${name.replace('@', '%40')}@${version}`;
const hex = (integrity) => [{ alg: 'SHA-512', content: Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex') }];
/** An expression is one, a name that SPDX does not list is a name. */
const licenses = (text) => (text ? [/[ (]/.test(text) ? { expression: text } : { license: text.startsWith('SEE ') ? { name: text } : { id: text } }] : []);

function fromLock(root, lock, at, where) {
  const { version, integrity, license } = lock[at];
  if (!integrity) throw new Error(`the lock has no integrity of ${at}`);
  const said = license ?? JSON.parse(readFileSync(join(root, at, 'package.json'), 'utf8')).license;
  return { type: 'library', 'bom-ref': `${at}@${version}`, name: nameOf(at), version, purl: purl(nameOf(at), version), hashes: hex(integrity), licenses: licenses(typeof said === 'string' ? said : ''), properties: [{ name: 'agent-etl:within', value: where }] };
}
const fromDebian = ([name, { version, sha256 }]) => ({
  type: 'library', 'bom-ref': `debian/${name}@${version}`, name, version, purl: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&distro=debian-12`,
  hashes: [{ alg: 'SHA-256', content: sha256 }], properties: [{ name: 'agent-etl:within', value: 'base' }],
});

/** @param parts `{ lock, packages, inlined, node, debian, version, created }`, the first lists as folders of the lock */
export function sbomOf(root, app, { lock, packages, inlined, node, debian, version, created }) {
  const components = [
    ...packages.map((at) => fromLock(root, lock, at, 'node_modules')), ...inlined.filter((at) => !packages.includes(at)).map((at) => fromLock(root, lock, at, 'dashboard')),
    { ...fromLock(root, lock, node, 'base'), type: 'platform' }, ...Object.entries(debian).map(fromDebian),
  ];
  const digest = createHash('sha256').update(JSON.stringify(components)).digest('hex');
  const serialNumber = `urn:uuid:${[digest.slice(0, 8), digest.slice(8, 12), `8${digest.slice(13, 16)}`, `8${digest.slice(17, 20)}`, digest.slice(20, 32)].join('-')}`;
  return {
    bomFormat: 'CycloneDX', specVersion: '1.6', serialNumber, version: 1,
    metadata: { timestamp: created, component: { type: 'container', 'bom-ref': `agent-etl/${app}`, name: `agent-etl/${app}`, version, licenses: licenses('Apache-2.0') } },
    components,
  };
}
