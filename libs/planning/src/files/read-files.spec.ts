import { describe, expect, it } from '@jest/globals';
import { EtlError, type Issue } from '@agent-etl/contracts';
import { assertSupported, unsupported } from '../unsupported.ts';
import { readPipelineFile, readProjectFile } from './read-files.ts';

const head = 'version: 1\nname: orders_daily\nfrom: { connection: shop, dataset: public.orders }\n';
const good = `${head}to: { connection: warehouse, dataset: mart.orders }\n`;
const said = (text: string, read: (text: string) => unknown = (each) => readPipelineFile(each, 'p.yaml')): { code: string; issues: readonly Issue[] } => {
  try { read(text); } catch (error) { if (error instanceof EtlError) return { code: error.code, issues: error.issues }; throw error; }
  throw new Error('was accepted');
};

it('reads a pipeline', () => { expect(readPipelineFile(good).to.dataset).toBe('mart.orders'); });
it('reads a project', () => {
  expect(readProjectFile('version: 1\nconnections:\n  shop: { connector: postgres, host: db, user: etl, password: "secret://shop#password" }\n').connections?.['shop']?.connector).toBe('postgres');
});

describe('names line and column of', () => {
  it.each<[string, string, string, string, string]>([
    ['an unknown key', `${good}ownr: me\n`, 'request.invalid', 'p.yaml:5:1', 'did you mean owner'],
    ['an unknown key inside', `${head}to: { connection: warehouse, datset: mart.orders }\n`, 'request.invalid', 'p.yaml:4:30', 'did you mean dataset'],
    ['a doubled key', `${good}name: twice\n`, 'request.malformed', 'p.yaml:5:1', 'Key name is there twice'],
    ['a second document', `${good}---\n${good}`, 'request.malformed', 'p.yaml:5:1', 'second document'],
    ['an empty file', '# nothing\n', 'request.invalid', 'p.yaml:1:1', 'empty'],
    ['an anchor', `${head}to: &x { connection: warehouse, dataset: mart.orders }\n`, 'request.malformed', 'p.yaml:4:8', 'Anchor'],
    ['an alias', `${good}owner: &a me\ndescription: *a\n`, 'request.malformed', 'p.yaml:5:11', 'Anchor'],
    ['a tag', `${good}owner: !!js/function x\n`, 'request.malformed', 'p.yaml:5:22', 'Tag'],
    ['a plain tag', `${good}owner: !!str x\n`, 'request.malformed', 'p.yaml:5:14', 'Tag'],
    ['a wrong value', `${head}to: { connection: warehouse, dataset: mart.orders, load: apend }\n`, 'request.invalid', 'p.yaml:4:58', 'to.load must be append, replace, upsert, merge or scd2: did you mean append?'],
    ['a cron that nobody can read', `${good}schedule: { cron: "15 1 * *" }\n`, 'request.invalid', 'p.yaml:5:19', 'schedule.cron must have five fields'],
    ['a cron that never comes', `${good}schedule:\n  cron: "0 0 31 2 *"\n`, 'request.invalid', 'p.yaml:6:9', 'never comes'],
    ['a zone that is none', `${good}schedule: { cron: "15 1 * * *", timezone: Europe/Lisboa }\n`, 'request.invalid', 'p.yaml:5:43', 'schedule.timezone is not an IANA time zone'],
    ['a name that is none', `${good.replace('orders_daily', 'Orders')}`, 'request.invalid', 'p.yaml:2:7', 'name must begin with a-z'],
    ['NUL in a text', `${good}owner: "a\\0b"\n`, 'request.invalid', 'p.yaml:5:8', 'owner holds NUL'],
    ['half of a surrogate pair', `${good}owner: "a\\uD800b"\n`, 'request.invalid', 'p.yaml:5:8', 'owner holds NUL or half of a surrogate pair'],
    ['a key that climbs', `${good}steps:\n  - tokenize: { column: a, keyRef: "secret://masking/../shop#password" }\n`, 'request.invalid', 'p.yaml:6:36', 'steps.0.tokenize.keyRef may not hold ".."'],
    ['a missing key', head, 'request.invalid', 'p.yaml:1:1', 'to'],
    ['broken syntax', `${good}owner: "open\n`, 'request.malformed', 'p.yaml:6:1', ''],
    ['a merge key', `${head}to: { <<: { connection: warehouse }, dataset: a.b }\n`, 'request.invalid', 'p.yaml:4:7', ''],
  ])('%s', (_, text, code, path, words) => {
    const answer = said(text);
    expect({ code: answer.code, paths: answer.issues.map((issue) => issue.path) }).toEqual({ code, paths: expect.arrayContaining([path]) });
    expect(answer.issues.map((issue) => issue.text).join(' ')).toContain(words);
  });
});
it('refuses a file of megabytes, a bomb of aliases and one nested too deeply', () => {
  expect(said(`a: ${'x'.repeat(2_000_000)}`).code).toBe('request.too-large');
  expect(said(`a: &a [1,1]\nb: &b [*a,*a]\nc: [*b,*b]\n`).code).toBe('request.malformed');
  expect(said(`a: ${'['.repeat(100_000)}`)).toEqual({ code: 'request.malformed', issues: [{ code: 'syntax', path: 'p.yaml:1:1', text: 'Nested too deeply.' }] });
  expect(said(`a: ${'['.repeat(100)}`).issues.length).toBeLessThanOrEqual(20);
});
it('keeps NO a text and an inline password out of a connection', () => {
  expect(readPipelineFile(`${good}owner: NO\n`).owner).toBe('NO');
  const answer = said('version: 1\nconnections:\n  shop: { connector: postgres, host: db, password: hunter2 }\n', (text) => readProjectFile(text, 'agent-etl.yaml'));
  expect([answer.code, answer.issues[0]?.path, JSON.stringify(answer.issues).includes('hunter2')]).toEqual(['request.invalid', 'agent-etl.yaml:3:52', false]);
});
it('refuses by name what this release does not have', () => {
  const pipeline = readPipelineFile(`${good}onDrift: quarantine\n`);
  expect(unsupported(pipeline).map(({ path }) => path)).toEqual(['/pipeline/onDrift']);
  expect(() => assertSupported(pipeline)).toThrow('onDrift: quarantine is not supported');
});
