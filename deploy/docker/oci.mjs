// An image as the Open Container Initiative lays it out on disk: blobs by digest, one index. `skopeo copy oci:FOLDER:TAG docker://…` pushes it.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { writeTar } from './tar.mjs';

const kinds = { manifest: 'application/vnd.oci.image.manifest.v1+json', config: 'application/vnd.oci.image.config.v1+json', layer: 'application/vnd.oci.image.layer.v1.tar+gzip', index: 'application/vnd.oci.image.index.v1+json' };
const architectures = { x64: 'amd64', arm64: 'arm64' };
export const architecture = architectures[arch()];

const blob = (layout, digest) => join(layout, 'blobs', 'sha256', digest.slice('sha256:'.length));
async function digestOf(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return `sha256:${hash.digest('hex')}`;
}

/** Packs entries as one layer into the layout. Answers `{ descriptor, diffId, size }`, the size being that of the files unpacked. */
export async function addLayer(layout, entries, seconds) {
  mkdirSync(join(layout, 'blobs', 'sha256'), { recursive: true });
  const [tar, packed] = [join(layout, 'layer.tar'), join(layout, 'layer.tar.gz')];
  writeTar(tar, entries, seconds);
  await pipeline(createReadStream(tar), createGzip({ level: 6 }), createWriteStream(packed));
  const [diffId, digest] = await Promise.all([digestOf(tar), digestOf(packed)]);
  const descriptor = { mediaType: kinds.layer, digest, size: statSync(packed).size };
  const size = statSync(tar).size;
  renameSync(packed, blob(layout, digest));
  rmSync(tar);
  return { descriptor, diffId, size };
}
/** Puts a layer of one layout into another. */
export function linkBlob(from, to, { digest }) {
  mkdirSync(join(to, 'blobs', 'sha256'), { recursive: true });
  linkSync(blob(from, digest), blob(to, digest));
}
function addJson(layout, mediaType, value) {
  const bytes = Buffer.from(JSON.stringify(value));
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  writeFileSync(blob(layout, digest), bytes);
  return { mediaType, digest, size: bytes.length };
}

/** Writes configuration, manifest and index over layers that are in the layout already. Answers the digest that a deployment pins. */
export function writeImage(layout, { layers, config, labels, tag, seconds }) {
  const created = new Date(seconds * 1000).toISOString();
  const history = layers.map(({ what }) => ({ created, created_by: what }));
  const image = { created, architecture, os: 'linux', config: { ...config, Labels: labels }, rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) }, history };
  const manifest = addJson(layout, kinds.manifest, { schemaVersion: 2, mediaType: kinds.manifest, config: addJson(layout, kinds.config, image), layers: layers.map(({ descriptor }) => descriptor), annotations: labels });
  writeFileSync(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, mediaType: kinds.index, manifests: [{ ...manifest, annotations: { 'org.opencontainers.image.ref.name': tag }, platform: { architecture, os: 'linux' } }] }));
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return manifest.digest;
}

/** Takes a layout apart and checks every digest on the way: `{ digest, manifest, config, layers: [gzipped bytes] }`. @throws Error naming the blob that is not what its name says */
export function readImage(layout) {
  const read = ({ digest, size }) => {
    if (!existsSync(blob(layout, digest))) throw new Error(`the blob ${digest} is missing`);
    const bytes = readFileSync(blob(layout, digest));
    if (bytes.length !== size || `sha256:${createHash('sha256').update(bytes).digest('hex')}` !== digest) throw new Error(`the blob ${digest} has other bytes than its name says`);
    return bytes;
  };
  const [descriptor] = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')).manifests;
  const manifest = JSON.parse(read(descriptor));
  return { digest: descriptor.digest, manifest, config: JSON.parse(read(manifest.config)), layers: manifest.layers.map(read) };
}
