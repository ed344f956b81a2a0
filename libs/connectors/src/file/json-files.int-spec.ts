import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { copyFile, readFile, readdir } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { ColumnType, Profile } from '@agent-etl/contracts';
import { type AFolder, aFolder, aLoad, aPublish, aWriter, stage } from './testing/a-folder.ts';

const vega = join(dirname(findPackageJSON('vega-datasets', import.meta.url) ?? ''), 'data');
const { signal } = new AbortController();
let folder: AFolder;
beforeEach(async () => { folder = await aFolder(); });
afterEach(async () => { expect(await readdir(folder.tools.scratch)).toEqual([]); await folder.drop(); });
const profile = async (dataset: string): Promise<Profile> => (await folder.open()).profile(dataset, 'source');
const kinds = ({ columns }: Profile) => Object.fromEntries(columns.map(({ name, type }) => [name, Object.values(type).join(' ')]));
const lines = (content: string) => content.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);

function tryParse(text: string): unknown {
  try { return JSON.parse(text); } catch { return text; }
}

/** Copies as planner and worker do, with every row compared. */
async function move(from: string, to: string, how: { carrier?: 'text' | 'file'; types?: Record<string, ColumnType> } = {}) {
  const open = await folder.open();
  const source = await open.profile(from, 'source');
  const columns = source.columns.map((column) => ({ ...column, type: how.types?.[column.name] ?? column.type }));
  const task = aLoad({ ...source, columns }, to, { carrier: how.carrier ?? 'file' });
  const sink = await open.sink.begin(task, aWriter());
  const { rows, digest } = await stage(open, sink, task);
  const staged = await sink.stagedDigest(aPublish(task), signal);
  expect({ rows: staged.rows, digest: `${staged.a}:${staged.b}` }).toEqual({ rows, digest });
  expect(await sink.publish(aPublish(task), { rows, digest: staged })).toMatchObject({ published: rows });
  return { rows, digest, text: async () => { const bytes = await readFile(join(folder.root, to)); return (to.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString(); } };
}

describe('an array that is cut', () => {
  it.each(['[{"a":1},', '[{"a":1},\n      '])('is no shorter one: %j', async (text) => {
    await folder.write('cut.json', text);
    await expect((await folder.open()).profile('cut.json', 'source')).rejects.toMatchObject({ code: 'data.format-invalid', message: expect.stringContaining('it ends with a comma: cut off') as unknown });
  });
  it.each([['gz', gzipSync], ['zst', zstdCompressSync]] as const)('is no shorter one when it is packed as .%s', async (ending, pack) => {
    const open = await folder.open();
    await folder.write(`cut.json.${ending}`, pack('[{"a":1},{"a":2}]'));
    const task = aLoad(await open.profile(`cut.json.${ending}`, 'source'), 'cut.parquet');
    await (await open.source.begin(task, null)).close();
    await folder.write(`cut.json.${ending}`, pack('[{"a":1},\n'));
    await expect(open.source.begin(task, null)).rejects.toMatchObject({ code: 'data.format-invalid', message: expect.stringContaining('it ends with a comma: cut off') as unknown });
  });
});
describe('a profile of a file of objects', () => {
  it('finds in 3,201 films the titles that are numbers, and the sums that 32 bits do not hold', async () => {
    await copyFile(join(vega, 'movies.json'), join(folder.root, 'movies.json'));
    const found = await profile('movies.json');
    expect(found).toMatchObject({ system: 'json', rows: 3_201, rowsExact: true, options: { format: 'json', compression: 'none' } });
    expect(kinds(found)).toEqual({
      Title: 'text', 'US Gross': 'i64', 'Worldwide Gross': 'i64', 'US DVD Sales': 'i64', 'Production Budget': 'i64', 'Release Date': 'text', 'MPAA Rating': 'text', 'Running Time min': 'i64',
      Distributor: 'text', Source: 'text', 'Major Genre': 'text', 'Creative Type': 'text', Director: 'text', 'Rotten Tomatoes Rating': 'i64', 'IMDB Rating': 'f64', 'IMDB Votes': 'i64',
    });
    expect(found.notices).toEqual([expect.objectContaining({ code: 'mixed-as-text', column: 'Title', text: expect.stringContaining('3191 texts, 9 numbers') as unknown })]);
  });

  it('names keys in the order in which they turn up, and proposes what every value is', async () => {
    await folder.write('t.ndjson', '{"id":1,"zip":"00501","n":"12","day":"2001-01-31","at":"2001-01-31T10:00:00.5","zoned":"2001-01-31T10:00:00+02:00","ok":true,"f":1.5,"nan":1.5,"big":12345678901234567890123}\n'
      + '{"late":null,"id":3000000000,"long":0.12345678901234567890,"nan":"NaN"}\n\n{"mix":1}\r\n{"mix":"x"}\n{"o":{"a":1}}\n{"ok":false,"f":2,"tf":true}\n{"tf":1,"long":1.5}\n');
    const found = await profile('t.ndjson');
    expect(kinds(found)).toEqual({ id: 'i64', zip: 'text', n: 'text', day: 'date', at: 'ts', zoned: 'tstz', ok: 'bool', f: 'f64', nan: 'f64', big: 'dec 38 0', late: 'text', long: 'dec 21 20', mix: 'text', o: 'text', tf: 'text' });
    expect(Object.keys(kinds(found))).toEqual(['id', 'zip', 'n', 'day', 'at', 'zoned', 'ok', 'f', 'nan', 'big', 'late', 'long', 'mix', 'o', 'tf']);
    expect(found.notices?.map(({ code, column }) => `${column} ${code}`)).toEqual(['mix mixed-as-text', 'o nested-as-text', 'tf mixed-as-text']);
    expect(found.rows).toBe(7);
  });

  it.each<[string, string | Buffer, object]>([
    ['array.ndjson', '[{"a":1}]\n', { place: 'its first bytes' }], ['lines.json', '{"a":1}\n{"a":2}\n', { place: 'its first bytes' }], ['csv.json', 'a,b\n1,2\n', { place: 'its first bytes' }],
    ['packed.json', gzipSync('[]'), { problem: 'it holds gzip' }], ['plain.json.gz', '[{"a":1}]', { format: 'gzip' }], ['csv.ndjson.gz', gzipSync('a,b\n'), { place: 'its first bytes' }],
    ['number.ndjson', '{"a":1}\n5\n', { place: 'row 2', problem: 'it is no object' }], ['null.json', '[{"a":1},null]', { place: 'row 2', problem: 'it is no object' }], ['list.ndjson', '{"a":1}\n{"a":2}\n[1]\n', { place: 'row 3' }],
    ['twice.ndjson', '{"a":1}\n{"b":2,"b":3}\n', { place: 'row 2', problem: 'the key b stands there twice' }], ['cut.ndjson', '{"a":1}\n{"a":\n', { place: 'row 2', problem: 'unexpected end of data' }],
    ['cut.json', '[{"a":1},\n{"a":', { place: 'row 2' }], ['open.json', '[{"a":1},\n{"a":2}', { place: 'row 3' }], ['half.json', '[{"a":1},{"a":"\\ud800"}]', { place: 'row 2', problem: 'no low surrogate in string' }],
    ['nul.ndjson', '{"a":1}\n{"a":"\0"}\n', { place: 'line 2', problem: 'it holds NUL' }], ['latin.ndjson', Buffer.from('{"a":1}\n{"a":"\xe9"}\n', 'latin1'), { place: 'line 2', problem: 'it is not UTF-8' }],
    ['after.json', '[{"a":1}] x', { place: 'row 2' }], ['zeros.ndjson', '{"a":1}\n{"a":007}\n', { place: 'row 2' }], ['unnamed.ndjson', '{"":1}\n', { problem: 'it is the empty text' }],
  ])('says what is wrong with %s', async (name, content, details) => {
    await folder.write(name, content);
    await expect(profile(name)).rejects.toMatchObject({ code: 'data.format-invalid', details: { file: name, ...details } });
  });
  it.each([['empty.ndjson', ''], ['blank.json', ' \n'], ['none.json', '[]'], ['hollow.ndjson', '{}\n{}\n']])('says that %s shows no columns', async (name, content) => {
    await folder.write(name, content);
    await expect(profile(name)).rejects.toMatchObject({ code: 'profile.unusable' });
  });
});

describe('a copy of a file of objects', () => {
  it('carries the films there and back with one digest, numbers among the titles with the digits they have', async () => {
    await copyFile(join(vega, 'movies.json'), join(folder.root, 'movies.json'));
    const first = await move('movies.json', 'a.parquet');
    const second = await move('a.parquet', 'b.ndjson.gz');
    const third = await move('b.ndjson.gz', 'c.json', { carrier: 'text' });
    expect([first.rows, second.rows, third.rows, second.digest, third.digest]).toEqual([3_201, 3_201, 3_201, first.digest, first.digest]);
    const films = JSON.parse(await third.text()) as { Title: string | null; 'IMDB Rating': number | null }[];
    const source = JSON.parse(await readFile(join(vega, 'movies.json'), 'utf8')) as { Title: string | number | null; 'IMDB Rating': number | null }[];
    const shown = (list: readonly { Title: string | number | null; 'IMDB Rating': number | null }[]) => list.map((film) => `${film.Title}|${film['IMDB Rating']}`).sort();
    expect(shown(films)).toEqual(shown(source));
    expect(source.filter(({ Title }) => typeof Title === 'number')).toHaveLength(9);
  });

  it.each(['ndjson', 'json.gz'])('keeps what is nested exactly as it stands, its digits, blanks, order and twins, into and out of %s', async (ending) => {
    const nested = ['{"b": 1.50, "a":[1e2, 0.12345678901234567890 ,{"é":"\\u00e9 ]}\\" {"}]}', '[ ]', '{"a":1,"a":2}', `${'['.repeat(30)}1.10${']'.repeat(30)}`];
    await folder.write('t.ndjson', nested.map((value, index) => `{"x":{"k":9.90},"k" : ${value} , "n":${index}}`).join('\n') + '\n{"k":"[1.50]","n":4}\n{"k":1.10,"n":5}\n{"k":-0.0,"n":6}\n{"k":true,"n":7}\n{"k":null,"n":8}\n{"n":9}\n');
    const { text } = await move('t.ndjson', `u.${ending}`);
    const back = await move(`u.${ending}`, 'v.ndjson', { carrier: 'text' });
    const rows = lines(await back.text()).sort((a, b) => Number(a['n']) - Number(b['n']));
    expect(rows.map(({ k }) => k)).toEqual([...nested, '[1.50]', '1.10', '-0.0', 'true', null, null]);
    expect((await text()).length).toBeGreaterThan(100);
  });

  it('leaves any value of any record what it was', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', '\\', '{', '}', '[', ']', ':', ',', '1', '.', 'é', '😀', '\n', ' ', '-'), maxLength: 12 });
    const value = fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.maxSafeInteger(), fc.boolean(), fc.constant(null), fc.jsonValue({ maxDepth: 3 }));
    const record = fc.record({ mixed: value, text, 'k"1': fc.double({ noNaN: true, noDefaultInfinity: true }), whole: fc.maxSafeInteger(), list: fc.array(value, { maxLength: 3 }), flag: fc.boolean() }, { requiredKeys: [] });
    const records = fc.sample(record, { numRuns: 3_000, seed: 7 });
    await folder.write('t.json', `[${records.map((each) => JSON.stringify(each, null, each.flag ? 2 : 0)).join(',')}]`);
    expect(kinds(await profile('t.json'))).toMatchObject({ mixed: 'text', text: 'text', 'k"1': 'f64', whole: 'i64', list: 'text', flag: 'bool' });
    const back = lines(await (await move('t.json', 'u.ndjson')).text());
    const asText = (cell: unknown): unknown => (typeof cell === 'string' || cell === null || cell === undefined ? cell ?? null : JSON.stringify(cell));
    const plain = (each: Record<string, unknown>) => ({ mixed: asText(each['mixed']), text: each['text'] ?? null, 'k"1': each['k"1'] ?? null, whole: each['whole'] ?? null, list: asText(each['list']), flag: each['flag'] ?? null });
    // An indented record has its blanks inside what is nested: the value is compared, its text is held by the test before.
    const squeezed = (cell: unknown): unknown => (typeof cell === 'string' && /^[[{]/.test(cell) ? tryParse(cell) : cell);
    const shown = (list: readonly Record<string, unknown>[]) => list.map((each) => JSON.stringify(['mixed', 'text', 'k"1', 'whole', 'list', 'flag'].map((key) => squeezed(each[key])))).sort();
    expect(shown(back)).toEqual(shown(records.map(plain)));
  });

  it('finds keys that are spelled as codes, or hold what JSON paths and patterns mean something by', async () => {
    const keys = ['Größe', 'a/b~c', 'q"x\\', '$.[*]', '日本', '😀', 'tab\t', 'x'.repeat(300), '0', "it's"];
    const ascii = (value: unknown) => JSON.stringify(value).replaceAll(/[^\x20-\x7e]/g, (letter) => letter.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''));
    const record = Object.fromEntries(keys.map((key, index) => [key, [index]]));
    await folder.write('t.ndjson', `${JSON.stringify(record)}\n${ascii(record)}\n`);
    const { text } = await move('t.ndjson', 'u.ndjson');
    const expected = Object.fromEntries(keys.map((key, index) => [key, `[${index}]`]));
    expect(lines(await text())).toEqual([expected, expected]);
  });

  it('writes every kind of value so that it is read back to the same', async () => {
    await folder.write('t.csv', 'b,i,l,d,lead,f,t,day,at,z,c,j\ntrue,-5,9223372036854775807,1.10,0.5,0.1,"a ""q"" \\ é\n",2001-01-31,2001-01-31 10:00:00.5,2001-01-31 10:00:00+02,10:00:00.000001,"{""a"": 1.50}"\n'
      + 'false,0,-9223372036854775808,-0.01,-0.5,NaN,,0001-01-01,,,,"""x"""\n,,,,,-inf,"",,,,,null\n,,,,,2417851639229258349412352,"[1]",,,,,"[1,\n2]"\n,,,,,1e300,null,,,,,\n');
    const types: Record<string, ColumnType> = { d: { kind: 'dec', precision: 18, scale: 2 }, lead: { kind: 'dec', precision: 4, scale: 4 }, i: { kind: 'i32' }, j: { kind: 'json' }, f: { kind: 'f64' } };
    for (const to of ['u.ndjson', 'u.json']) for (const carrier of ['file', 'text'] as const) {
      const { text } = await move('t.csv', to, { types, carrier });
      const content = await text();
      const rows = to === 'u.json' ? JSON.parse(content) as Record<string, unknown>[] : lines(content);
      expect(rows.find(({ b }) => b === true)).toMatchObject({ i: -5, f: 0.1, t: 'a "q" \\ é\n', day: '2001-01-31', j: { a: 1.5 }, d: 1.1, lead: 0.5 });
      expect(content).toContain('"d":1.10,"lead":0.5000,');
      expect(rows.map(({ j }) => j).filter((j) => typeof j === 'string').sort()).toEqual(['"x"', '[1,\n2]', 'null']);
      expect(rows.map(({ f }) => f)).toEqual(expect.arrayContaining(['NaN', '-Infinity', 1e300, 2 ** 81]));
    }
  });

  it('writes an array that is empty as one', async () => {
    await folder.write('none.csv', 'a,b\n');
    expect(JSON.parse(await (await move('none.csv', 'u.json')).text())).toEqual([]);
    expect(await (await move('none.csv', 'u.ndjson')).text()).toBe('');
  });

  it('carries a text of a megabyte, and refuses an object that no buffer holds', async () => {
    await folder.write('t.ndjson', `{"a":"${'é'.repeat(1_000_000)}"}\n`);
    expect((await move('t.ndjson', 'u.json')).rows).toBe(1);
    await folder.write('t.ndjson', `{"a":1}\n{"a":"${'x'.repeat(70 * 1024 * 1024)}"}\n`);
    await expect(profile('t.ndjson')).rejects.toMatchObject({ code: 'data.row-too-large' });
  });
});

describe('a file of objects that changed since it was profiled', () => {
  const begin = async (before: string, after: string | Buffer, more: { select?: string[]; name?: string } = {}) => {
    const name = more.name ?? 't.ndjson';
    await folder.write(name, before);
    const open = await folder.open();
    const source = await open.profile(name, 'source');
    const task = aLoad({ ...source, columns: source.columns.filter((column) => more.select?.includes(column.name) ?? true) }, 'u.parquet');
    await folder.write(name, after);
    return { open, task, run: async (carrier: 'file' | 'text' = 'file') => stage(open, await open.sink.begin({ ...task, carrier }, aWriter()), { ...task, carrier }) };
  };
  const many = (row: (index: number) => string) => Array.from({ length: 500_000 }, (_, index) => row(index)).join('\n');
  const pad = 'x'.repeat(60);

  it('has drifted when a key is new or gone, and not when keys come in another order or are missing here and there', async () => {
    const { open, task, run } = await begin('{"a":1,"b":2}\n', '{"b":1,"a":2}\n{"a":3}\n{}\n');
    expect((await run()).rows).toBe(3);
    await folder.write('t.ndjson', '{"a":1,"b":2,"c":3}\n');
    await expect(open.source.begin(task, null)).rejects.toMatchObject({ code: 'source.schema-drifted', details: { diff: 'with c' } });
    await folder.write('t.ndjson', '{"a":1}\n');
    await expect(open.source.begin(task, null)).rejects.toMatchObject({ code: 'source.schema-drifted', details: { diff: 'without b BIGINT' } });
  });

  it.each<[string, (index: number) => string, object]>([
    ['a key that nobody knew', (index) => `{"a":${index},"pad":"${pad}"${index === 499_998 ? ',"new":1' : ''}}`, { place: 'row 499999', problem: 'the key new was not there when the file was profiled' }],
    ['a key that stands there twice', (index) => `{"a":${index},"pad":"${pad}"${index === 300_000 ? ',"a":1' : ''}}`, { place: 'row 300001', problem: 'the key a stands there twice' }],
    ['a line that is no object', (index) => (index === 300_000 ? '"x"' : `{"a":${index},"pad":"${pad}"}`), { place: 'row 300001', problem: 'it is no object' }],
    ['a line that is no JSON', (index) => (index === 300_000 ? '{"a":x}' : `{"a":${index},"pad":"${pad}"}`), { place: 'row 300001' }],
    ['NUL in a text', (index) => `{"a":${index},"pad":"${index === 300_000 ? '\\u0000' : pad}"}`, { place: 'row 300001, column pad' }],
  ])('says in which row there is %s, far behind what a profile reads', async (_, row, details) => {
    const { run } = await begin(`{"a":1,"pad":"x"}\n`, many(row));
    for (const carrier of ['file', 'text'] as const) await expect(run(carrier)).rejects.toMatchObject({ code: 'data.format-invalid', details: { file: 't.ndjson', ...details } });
  }, 60_000);

  it('leaves keys that nobody chose out, known or not', async () => {
    const { run } = await begin('{"a":1,"b":2}\n', many((index) => `{"a":${index},"b":"${pad}"${index === 499_000 ? ',"new":1' : ''}}`), { select: ['a'] });
    expect((await run()).rows).toBe(500_000);
  }, 60_000);

  it('names row, column and value of what does not fit any more', async () => {
    for (const [value, target] of [['1.5', 'BIGINT'], ['{"x":1}', 'BIGINT'], ['"oops"', 'BIGINT'], ['1e400', 'BIGINT']] as const) {
      const { run } = await begin('[{"n":5}]', `[{"n":5},\n{"n":${value}}]`, { name: 't.json' });
      await expect(run()).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 2, column: 'n', value: value.replaceAll('"', value.startsWith('"') ? '' : '"'), target } });
    }
  });

  it('refuses a value that is nested deeper than its text can be found', async () => {
    const { run } = await begin('{"k":[1]}\n', `{"k":${'['.repeat(40)}${']'.repeat(40)}}\n`);
    await expect(run()).rejects.toMatchObject({ code: 'data.format-invalid', details: { problem: 'a value is nested too deeply to be kept as it stands' } });
  });
});
