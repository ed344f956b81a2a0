// Writes a tar whose bytes depend on its entries alone: sorted by the caller, owned by root, one time for all.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

const BLOCK = 512;
const types = { file: '0', link: '2', folder: '5' };
const octal = (value, width) => `${value.toString(8).padStart(width - 1, '0')}\0`;
const padded = (size) => (BLOCK - (size % BLOCK)) % BLOCK;

/** Name and prefix of a ustar header, or null where the path is too long for one. */
function split(path) {
  if (Buffer.byteLength(path) <= 100) return [path, ''];
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (name && Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155) return [name, prefix];
  }
  return null;
}
function header({ path, mode, size, type, target = '' }, seconds) {
  const parts = split(path);
  if (!parts || Buffer.byteLength(target) > 100) throw new Error(`the path ${path} is too long for a layer`);
  const block = Buffer.alloc(BLOCK);
  const put = (text, at) => { block.write(text, at, 'utf8'); };
  put(parts[0], 0); put(octal(mode, 8), 100); put(octal(0, 8), 108); put(octal(0, 8), 116); put(octal(size, 12), 124); put(octal(seconds, 12), 136);
  put('        ', 148); put(type, 156); put(target, 157); put('ustar\0' + '00', 257); put(parts[1], 345);
  put(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** Every folder above a path, the outermost first. */
const above = (path) => path.split('/').slice(0, -1).map((_, index, parts) => parts.slice(0, index + 1).join('/'));

/** Adds the folders that entries stand in, and sorts all by the bytes of their paths. Entries: `{ path, mode, data | source | target | isFolder }`. */
export function withFolders(entries) {
  const all = new Map(entries.map((entry) => [entry.path, entry]));
  if (all.size !== entries.length) throw new Error(`a path stands twice: ${entries.find(({ path }, index) => entries.findIndex((other) => other.path === path) !== index).path}`);
  for (const { path } of entries) for (const folder of above(path)) if (!all.has(folder)) all.set(folder, { path: folder, mode: 0o755, isFolder: true });
  return [...all.values()].sort((one, other) => Buffer.compare(Buffer.from(one.path), Buffer.from(other.path)));
}

/** Writes the entries to a file. @param seconds since 1970, of every entry */
export function writeTar(file, entries, seconds) {
  const out = openSync(file, 'w');
  try {
    for (const entry of withFolders(entries)) {
      const { path, mode, source, target, isFolder } = entry;
      if (isFolder) { writeSync(out, header({ path: `${path}/`, mode, size: 0, type: types.folder }, seconds)); continue; }
      if (target !== undefined) { writeSync(out, header({ path, mode: 0o777, size: 0, type: types.link, target }, seconds)); continue; }
      const data = entry.data ?? readFileSync(source);
      writeSync(out, header({ path, mode, size: data.length, type: types.file }, seconds));
      for (let at = 0; at < data.length;) at += writeSync(out, data, at);
      writeSync(out, Buffer.alloc(padded(data.length)));
    }
    writeSync(out, Buffer.alloc(2 * BLOCK));
  } finally { closeSync(out); }
}

/** Entries of a tar that `writeTar` wrote: `{ path, type, mode, uid, gid, mtime, target, data }`. */
export function readTar(bytes) {
  const entries = [];
  const text = (block, at, length) => block.toString('utf8', at, at + length).replace(/\0.*$/s, '');
  for (let at = 0; bytes[at];) {
    const block = bytes.subarray(at, at + BLOCK);
    const number = (from, length) => Number.parseInt(text(block, from, length), 8);
    const size = number(124, 12);
    const prefix = text(block, 345, 155);
    const type = Object.keys(types).find((name) => types[name] === text(block, 156, 1));
    entries.push({ path: `${prefix ? `${prefix}/` : ''}${text(block, 0, 100)}`.replace(/\/$/, ''), type, mode: number(100, 8), uid: number(108, 8), gid: number(116, 8), mtime: number(136, 12), target: text(block, 157, 100), data: bytes.subarray(at + BLOCK, at + BLOCK + size) });
    at += BLOCK + size + padded(size);
  }
  return entries;
}
