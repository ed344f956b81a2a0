import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { type SchemaNode, breaksOf } from './breaking-rules.ts';
import { errorTable } from './error-table.ts';
import { type MessageType, isMessageType, messages } from './messages.ts';

const folder = join(import.meta.dirname, '..', 'corpus');
interface Published { readonly topic: string; readonly key: string; readonly payload: SchemaNode }
interface Line { readonly type: MessageType; readonly of: string; readonly value: Record<string, unknown> }
/** Types that people write: what they mistype is told, so a field that nobody knows is refused. No release of ours writes them. */
const ofPeople: readonly string[] = ['pipeline.requested.v1'];
const releases = readdirSync(folder).map((release) => ({
  release, catalogue: JSON.parse(readFileSync(join(folder, release, 'catalogue.json'), 'utf8')) as Record<string, Published>,
  lines: readFileSync(join(folder, release, 'messages.ndjson'), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line) as Line),
}));
const schemaOf = (type: MessageType): SchemaNode => z.toJSONSchema(messages[type].payload, { io: 'input' }) as SchemaNode;

/** A reader takes a code that it does not know, as the test at the end says. */
const isNewCode = (line: string): boolean => { const code = /\/code: the value "([a-z.-]+)" is new$/.exec(line)?.[1]; return code !== undefined && Object.hasOwn(errorTable, code); };
describe.each(releases)('what $release has published', ({ catalogue, lines }) => {
  it.each(Object.entries(catalogue))('%s: both releases read each other', (type, published) => {
    expect(isMessageType(type)).toBe(true);
    const { topic, key } = messages[type as MessageType];
    expect({ topic, key }).toEqual({ topic: published.topic, key: published.key });
    expect(breaksOf(published.payload, schemaOf(type as MessageType)).filter((line) => !isNewCode(line))).toEqual([]);
  });
  it('has a message of every type', () => { expect(Object.keys(catalogue).filter((type) => !lines.some((line) => line.type === type))).toEqual([]); });
  it.each(lines.map((line, nth) => [line.type, nth, line] as const))('%s, line %d: is read whole by this release', (_, nth, { type, value }) => {
    expect(messages[type].payload.parse(value)).toEqual(value);
  });
  it.each(lines.filter(({ type }) => !ofPeople.includes(type)).map((line, nth) => [line.type, nth, line] as const))('%s, line %d: is read also with a field that nobody knows', (_, nth, { type, value }) => {
    expect(messages[type].payload.parse({ ...value, ofALaterRelease: { deep: [1, null] } })).toEqual(value);
  });
});

describe('a reader', () => {
  it('takes a code of the error table that it does not know for an unexpected error', () => {
    const failed = releases[0]!.lines.find(({ type }) => type === 'task.run.failed.v1')!.value;
    expect(messages['task.run.failed.v1'].payload.parse({ ...failed, failure: { ...failed['failure'] as object, code: 'source.of-a-later-release' } }).failure).toMatchObject({ code: 'platform.internal', text: (failed['failure'] as { text: string }).text });
  });
});
