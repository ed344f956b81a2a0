import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { checkPacked, isBomb, isUnpackedWithin, unpackedHead } from './packed-file.ts';
import { ZstdFrames } from './zstd-frames-rules.ts';

let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'etl-packed-')); });
afterAll(async () => { await rm(folder, { recursive: true }); });
async function at(content: Uint8Array) {
  const path = join(folder, 'x');
  await writeFile(path, content);
  return path;
}
const gzip = { dataset: 'x.gz', compression: 'gzip' } as const;
const zstd = { dataset: 'x.zst', compression: 'zstd' } as const;
const checksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

describe('frames of zstd', () => {
  it('end where they end, however they are cut into chunks', () => {
    const content = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.nat(400_000).map((size) => new Uint8Array(size)), fc.nat(200).map((seed) => Uint8Array.from({ length: 300_000 }, (_, index) => (index * index * (seed + 7)) >> 3)));
    const frame = fc.tuple(content, fc.boolean()).map(([bytes, isChecked]) => zstdCompressSync(bytes, isChecked ? checksum : {}));
    fc.assert(fc.property(fc.array(fc.oneof(frame, fc.constant(skippable)), { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 5_000 }), (frames, size) => {
      const walk = new ZstdFrames();
      const whole = Buffer.concat(frames);
      const ends: number[] = [];
      for (let from = 0, seen = 0; from < whole.length; from += size) for (const { part, end } of walk.cut(whole.subarray(from, from + size))) { seen += part.length; if (end === 'frame') ends.push(seen); }
      let sum = 0;
      expect([ends, walk.isBetween]).toEqual([frames.map(({ length }) => (sum += length)), true]);
    }), { numRuns: 40 });
  });
});

describe('a packed file', () => {
  const text = Buffer.from('a,b\n' + '1,2\n'.repeat(50_000));
  const noise = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 2_654_435_761) >>> 24));
  it.each([['gzip', gzip, gzipSync(text)], ['zstd', zstd, zstdCompressSync(text)], ['two members', gzip, Buffer.concat([gzipSync(text.subarray(0, 9)), gzipSync(text.subarray(9))])],
    ['three frames', zstd, Buffer.concat([zstdCompressSync(text.subarray(0, 9), checksum), skippable, zstdCompressSync(text.subarray(9))])]])('of %s is read to its end', async (_, about, packed) => {
    const path = await at(packed);
    await checkPacked(path, { ...about, bytes: packed.length, format: 'ndjson', limit: null });
    const { head, isWhole } = await unpackedHead(path, { ...about, limit: 1_000_000 });
    expect([Buffer.from(head).equals(text), isWhole]).toEqual([true, 'whole']);
    expect(await unpackedHead(path, { ...about, limit: 20 })).toMatchObject({ isWhole: 'cut', head: { length: 20 } });
    expect([await isUnpackedWithin(path, { ...about, limit: text.length }), await isUnpackedWithin(path, { ...about, limit: text.length - 1 })]).toEqual([true, false]);
  });
  it.each([['gzip', gzip, gzipSync(noise)], ['zstd', zstd, zstdCompressSync(noise)], ['zstd with sums', zstd, zstdCompressSync(noise, checksum)], ['two frames', zstd, Buffer.concat([zstdCompressSync(text), zstdCompressSync(noise)])]])(
    'of %s that is cut off or has something behind it is refused', async (_, about, packed) => {
      for (const wrong of [packed.subarray(0, packed.length - 1), packed.subarray(0, packed.length - 5_000), ...(about === zstd ? [Buffer.concat([packed, Buffer.from('garbage')])] : [])]) {
        await expect(checkPacked(await at(wrong), { ...about, bytes: wrong.length, format: 'ndjson', limit: null })).rejects.toMatchObject({ code: 'data.format-invalid', details: { file: about.dataset, format: about.compression } });
      }
    });
  it('with sums whose bytes changed is refused', async () => {
    const packed = zstdCompressSync(noise, checksum);
    packed.writeUInt8(packed.readUInt8(packed.length - 2) ^ 1, packed.length - 2);
    await expect(checkPacked(await at(packed), { ...zstd, bytes: packed.length, format: 'ndjson', limit: null })).rejects.toMatchObject({ code: 'data.format-invalid' });
  });
  it('is a bomb when it holds both much and many times its size', () => {
    expect([isBomb(1_000, 2 ** 29), isBomb(1_000, 2 ** 29 + 1), isBomb(2 ** 24, 2 ** 30), isBomb(1, 1_000_000)]).toEqual([false, true, false, false]);
  });
  it('that is a bomb is refused without being unpacked whole', async () => {
    const frame = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
    const bomb = Buffer.concat(Array.from({ length: 400 }, () => frame));
    await expect(checkPacked(await at(bomb), { ...zstd, bytes: bomb.length, format: 'ndjson', limit: null })).rejects.toMatchObject({ code: 'file.forbidden', details: { reason: 'it unpacks to more than 200 times its size' } });
  });
});
