import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FrameWalker, type WalkMode } from './frame-walker.ts';

const message = (type: string, body: Buffer): Buffer => { const head = Buffer.alloc(5); head.write(type, 0); head.writeInt32BE(body.length + 4, 1); return Buffer.concat([head, body]); };
const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const trailer = Buffer.from([0xff, 0xff]);
const row = (text: string): Buffer => Buffer.concat([Buffer.from([0, 1, 0, 0, 0, text.length]), Buffer.from(text, 'latin1')]);
/** What a server sends for rows: the header stands in the first frame, the trailer in the last. */
function copyOut(rows: readonly string[]): { stream: Buffer; frames: Buffer } {
  const bodies = [...rows.map(row), trailer];
  const frames = Buffer.concat(bodies.map((body, index) => message('d', index === 0 ? Buffer.concat([header, body]) : body)));
  return { frames, stream: Buffer.concat([message('H', Buffer.from([1, 0, 0])), frames, message('c', Buffer.alloc(0)), message('C', Buffer.from(`COPY ${rows.length}\0`)), message('Z', Buffer.from('T'))]) };
}
function walk(mode: WalkMode, stream: Buffer, cuts: readonly number[]) {
  const [passed, types]: [Buffer[], string[]] = [[], []];
  const walker = new FrameWalker(mode, { forward: (bytes) => { passed.push(Buffer.from(bytes)); }, control: (type, body) => { types.push(String.fromCharCode(type) + body.toString('latin1').replace(/\0$/, '')); } });
  const edges = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  for (let index = 1; index < edges.length; index += 1) if (edges[index]! > edges[index - 1]!) walker.walk(Buffer.from(stream.subarray(edges[index - 1], edges[index])));
  return { passed: Buffer.concat(passed), types, rows: walker.rows, lanes: walker.lanes, bytes: walker.bytes };
}
const texts = fc.array(fc.string({ maxLength: 40, unit: 'binary-ascii' }), { maxLength: 12 });
const cuts = fc.array(fc.nat(2000), { maxLength: 20 });

describe('the walker over COPY frames', () => {
  it('passes exactly the CopyData frames on, counts rows and hears every other message, however the stream is cut', () => {
    fc.assert(fc.property(texts, cuts, fc.constantFrom<WalkMode>('hash', 'count'), (rows, where, mode) => {
      const { stream, frames } = copyOut(rows);
      const seen = walk(mode, stream, where);
      expect(seen.passed.equals(frames)).toBe(true);
      expect([seen.rows, seen.bytes, seen.types]).toEqual([rows.length, frames.length, ['H\u0001\0', 'c', `CCOPY ${rows.length}`, 'ZT']]);
    }), { numRuns: 400 });
  });
  it('hashes the same rows alike, however the stream is cut and in whatever order they come', () => {
    fc.assert(fc.property(texts, cuts, cuts, (rows, one, two) => {
      expect(walk('hash', copyOut(rows).stream, one).lanes).toEqual(walk('hash', copyOut([...rows].reverse()).stream, two).lanes);
    }), { numRuns: 300 });
  });
  it('sees a changed, a lost and a doubled row', () => {
    const lanes = (rows: string[]) => walk('hash', copyOut(rows).stream, []).lanes;
    const whole = lanes(['alpha', 'beta', 'gamma']);
    for (const other of [['alpha', 'betb', 'gamma'], ['alpha', 'gamma'], ['alpha', 'beta', 'beta', 'gamma'], ['alphab', 'eta', 'gamma']]) expect(lanes(other)).not.toEqual(whole);
  });
  it('takes the texts out of their frames in mode payload', () => {
    fc.assert(fc.property(texts, cuts, (rows, where) => {
      const stream = Buffer.concat([message('H', Buffer.from([0, 0, 0])), ...rows.map((text) => message('d', Buffer.from(`${text}\n`, 'latin1'))), message('c', Buffer.alloc(0)), message('C', Buffer.from(`COPY ${rows.length}\0`)), message('Z', Buffer.from('I'))]);
      const seen = walk('payload', stream, where);
      expect([seen.passed.toString('latin1'), seen.rows]).toEqual([rows.map((text) => `${text}\n`).join(''), rows.length]);
    }), { numRuns: 300 });
  });
  it('adds parts up to the whole', () => {
    const sum = (parts: string[][]) => parts.map((part) => walk('hash', copyOut(part).stream, []).lanes).reduce((total, { a, b }) => ({ a: String(BigInt(total.a) + BigInt(a)), b: String(BigInt(total.b) + BigInt(b)) }), { a: '0', b: '0' });
    expect(sum([['x', 'y'], ['z']])).toEqual(walk('hash', copyOut(['x', 'y', 'z']).stream, []).lanes);
  });
});
