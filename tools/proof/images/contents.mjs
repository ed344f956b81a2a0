// What the images hold, and that the inspection sees what should not be there.
import { cpSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apps } from '../../../deploy/docker/images.mjs';
import { cache, root } from '../../install.mjs';
import { breachesOf, countsOf, debianSums, openImage } from './inspect.mjs';

const text = (entry, change) => { entry.data = Buffer.from(change(entry.data.toString('utf8'))); };
const at = ({ entries }, path) => entries.find((entry) => entry.path === path);
const like = (image, path, more) => { image.entries.push({ ...at(image, 'app/start.mjs'), path, ...more }); };
const flip = (entry) => { entry.data = Buffer.from(entry.data); entry.data[entry.data.length >> 1] ^= 1; };
const sbom = (image, change) => { text(at(image, 'app/sbom.cdx.json'), (json) => { const bom = JSON.parse(json); change(bom.components); return JSON.stringify(bom); }); };

/** Faults by name: what spoils an image, and the word that its breach must hold. */
const faults = {
  'the user root': [(image) => { image.config.User = '0:0'; }, 'runs as'], 'a user by name': [(image) => { image.config.User = 'etl'; }, 'runs as'], 'a start by a shell': [(image) => { image.config.Entrypoint = ['/bin/sh', '-c', 'node']; }, 'starts /bin/sh'],
  'no label of the revision': [(image) => { delete image.labels['org.opencontainers.image.revision']; }, 'revision'],
  'an extra file beside the service': [(image) => { like(image, 'app/service/extra.mjs'); }, 'extra.mjs'], 'an extra file in a package': [(image) => { like(image, 'app/node_modules/pg/lib/extra.js'); }, 'extra.js'], 'an extra file in the base': [(image) => { like(image, 'usr/lib/extra.so'); }, 'extra.so'],
  'a package that no bundle imports': [(image) => { like(image, 'app/node_modules/left/package.json', { data: Buffer.from('{"name":"left","version":"1.0.0"}') }); }, 'not in the lock'],
  'a changed byte in a package': [(image) => { flip(at(image, 'app/node_modules/pg/lib/client.js')); }, 'client.js'], 'a changed byte in a library of Debian': [(image) => { flip(image.entries.find(({ path }) => path.endsWith('libc.so.6'))); }, 'libc.so.6'], 'a changed byte in Node': [(image) => { flip(at(image, 'usr/local/bin/node')); }, 'bin/node'],
  'a file of another owner': [(image) => { at(image, 'app/start.mjs').uid = 10001; }, 'belongs to'], 'a file that all may write': [(image) => { at(image, 'app/start.mjs').mode = 0o666; }, 'written by others'], 'a program with the rights of root': [(image) => { at(image, 'usr/local/bin/node').mode = 0o4755; }, 'rights of its owner'],
  'a shell': [(image) => { like(image, 'bin/sh'); }, 'no service needs'], 'a login of npm': [(image) => { like(image, 'app/.npmrc'); }, 'private'], 'a time of its own': [(image) => { at(image, 'app/start.mjs').mtime += 1; }, 'time of its own'],
  'a package that the SBOM leaves out': [(image) => { sbom(image, (all) => { all.splice(all.findIndex(({ name }) => name === 'pg'), 1); }); }, 'not in the SBOM'], 'a package that only the SBOM has': [(image) => { sbom(image, (all) => { all.push({ ...all[0], 'bom-ref': 'node_modules/ghost@1.0.0', name: 'ghost' }); }); }, 'ghost'],
  'another version in the SBOM': [(image) => { sbom(image, (all) => { all.find(({ name }) => name === 'pg').version = '0.0.1'; }); }, 'the SBOM says'], 'another integrity in the SBOM': [(image) => { sbom(image, (all) => { all.find(({ name }) => name === 'pg').hashes[0].content = '00'; }); }, 'integrity'],
  'a package of the dashboard that the SBOM leaves out': [(image) => { sbom(image, (all) => { all.splice(all.findIndex(({ name }) => name === 'react'), 1); }); }, 'lacks react'],
};
const copyOf = (image) => ({ ...image, config: { ...image.config }, labels: { ...image.labels }, entries: image.entries.map((entry) => ({ ...entry })) });

export function proveContents(check, { to, work }) {
  const ground = { root, sums: debianSums(join(cache, 'images')) };
  for (const app of apps) {
    const image = openImage(join(to, app));
    const breaches = breachesOf(app, image, ground);
    const { npm, debian, files } = countsOf(image);
    check(breaches.length === 0, `${app}: ${files} files are root's, nobody else's to write, and come from ${npm} npm packages of the lock, ${debian} of Debian, Node and the bundle; the SBOM says just that${breaches.length ? `: ${breaches.slice(0, 5).join('; ')}` : ''}`);
  }
  const sound = openImage(join(to, 'monitor'));
  for (const [what, [plant, word]] of Object.entries(faults)) {
    const image = copyOf(sound);
    plant(image);
    check(breachesOf('monitor', image, ground).some((breach) => breach.includes(word)), `seen: ${what}`);
  }
  check(seesChangedBlob(to, work), 'seen: a changed byte in a packed layer');
}
function seesChangedBlob(to, work) {
  const layout = join(work, 'changed');
  cpSync(join(to, 'dag-generator'), layout, { recursive: true });
  const [largest] = readdirSync(join(layout, 'blobs', 'sha256')).map((name) => join(layout, 'blobs', 'sha256', name)).sort((one, other) => statSync(other).size - statSync(one).size);
  const bytes = readFileSync(largest);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(largest, bytes);
  try { openImage(layout); return false; } catch (error) { return /other bytes/.test(error.message); } finally { rmSync(layout, { recursive: true }); }
}
