import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import type { Pipeline, RunView } from '@agent-etl/contracts';
import { between, copy, failureOf, fresh, inWarehouse } from '../steps.ts';
import { type World, root } from '../world.ts';

type Film = Readonly<Record<string, string | number | null>>;
const ratings = ['G', 'PG', 'PG-13', 'R', 'NC-17', 'Not Rated'];
const checks: Pipeline['checks'] = [{ not_null: ['Title'], severity: 'warn' }, { in: { column: 'MPAA Rating', values: ratings }, severity: 'warn' }, { range: { column: 'IMDB Rating', from: 3 }, severity: 'warn' }, { unique: ['Title'], severity: 'warn', atMost: '10%' }];
const load = ({ tasks }: RunView) => tasks.flatMap(({ result }) => (result?.kind === 'load' ? [result] : []))[0];
const qualityOf = (run: RunView) => load(run)?.quality;
async function file(world: World, name: string): Promise<string> {
  const as = `${fresh('real')}.${name.split('.').at(-1)}`;
  await copyFile(join(root, 'node_modules', 'vega-datasets', 'data', name), join(world.folder, as));
  return as;
}

export function quality(world: () => World): void {
  it('counts the films as anybody would, keeps every row, and tells score and parts in receipt and on the screen', async () => {
    const films = JSON.parse(await readFile(join(root, 'node_modules', 'vega-datasets', 'data', 'movies.json'), 'utf8')) as Film[];
    const titles = films.map((film) => film['Title']).filter((title) => title !== null);
    const broken = [films.length - titles.length, films.filter((film) => film['MPAA Rating'] !== null && !ratings.includes(String(film['MPAA Rating']))).length, films.filter((film) => typeof film['IMDB Rating'] === 'number' && film['IMDB Rating'] < 3).length, titles.length - new Set(titles.map(String)).size];
    const columns = Object.keys(films[0]!);
    const nulls = columns.reduce((sum, column) => sum + films.filter((film) => film[column] === null).length, 0);
    const parts = { completeness: 1 - nulls / (films.length * columns.length), validity: 1 - (broken[0]! + broken[1]! + broken[2]!) / (films.length * 3), consistency: 1 - broken[3]! / films.length };

    const pipeline = { ...between(`files|${await file(world(), 'movies.json')}`, `warehouse|mart.${fresh('films')}`), checks };
    const run = await copy(world(), pipeline);
    expect(run.receipt).toMatchObject({ reconciled: true, read: 3201, rejected: 0, written: 3201 });
    expect(qualityOf(run)?.checks).toEqual(['not_null:Title', 'in:MPAA Rating', 'range:IMDB Rating', 'unique:Title'].map((check, index) => ({ check, severity: 'warn', rows: broken[index] })));
    expect(run.receipt?.quality).toEqual({ completeness: expect.closeTo(parts.completeness, 5), validity: expect.closeTo(parts.validity, 5), consistency: expect.closeTo(parts.consistency, 5), score: expect.closeTo(0.4 * parts.completeness + 0.3 * parts.validity + 0.3 * parts.consistency, 5) });
    const receipt = await world().cli(['explain', run.runId]);
    expect(receipt.stdout).toMatch(/quality 0\.\d{4} = 0\.4 completeness 0\.\d{4} \+ 0\.3 validity 0\.\d{4} \+ 0\.3 consistency 0\.\d{4}/);
  }, 240_000);
  it('finds the same in a table as in the file it came from', async () => {
    const table = fresh('films');
    const ofFile = await copy(world(), { ...between(`files|${await file(world(), 'movies.json')}`, `shop|public.${table}`), checks });
    const ofTable = await copy(world(), { ...between(`shop|public.${table}`, `warehouse|mart.${table}`), checks });
    expect(qualityOf(ofTable)).toEqual(qualityOf(ofFile));
  }, 240_000);
  it.each<[string, string, Pipeline['checks'], Pipeline['steps']]>([
    ['films', 'movies.json', checks, [{ filter: `"Title" is not null and "MPAA Rating" in ('G', 'PG', 'PG-13', 'R') and "IMDB Rating" >= 3` }, { dedupe: { keys: ['Title'], keep: [{ column: 'IMDB Votes', dir: 'desc' }] } }]],
    ['bird strikes', 'birdstrikes.csv', [{ not_null: ['Speed IAS in knots'], severity: 'warn' }, { range: { column: 'Speed IAS in knots', from: 20, to: 400 }, severity: 'warn' }, { unique: ['Airport Name', 'Flight Date', 'Aircraft Make Model'], severity: 'warn' }],
      [{ filter: '"Speed IAS in knots" between 20 and 400' }, { dedupe: { keys: ['Airport Name', 'Flight Date', 'Aircraft Make Model'], keep: [{ column: 'Flight Date' }] } }]],
  ])('rates %s lower as they are than mended', async (_, name, asked, mended) => {
    const from = await file(world(), name);
    const dirty = await copy(world(), { ...between(`files|${from}`, `files|${fresh('dirty')}.parquet`), checks: asked, quality: {} });
    const clean = await copy(world(), { ...between(`files|${from}`, `files|${fresh('clean')}.parquet`), checks: asked, quality: {}, steps: mended });
    const [before, after] = [qualityOf(dirty)!, qualityOf(clean)!];
    expect(before.score).toBeLessThan(after.score);
    expect([before.validity! < 1, before.consistency! < 1, after.validity, after.consistency]).toEqual([true, true, 1, 1]);
  }, 240_000);
  it('publishes nothing where a limit is passed, of a check or of the score', async () => {
    const target = fresh('films');
    const pipeline = { ...between(`files|${await file(world(), 'movies.json')}`, `warehouse|mart.${target}`) };
    const failure = await failureOf(world(), { ...pipeline, checks: [{ in: { column: 'MPAA Rating', values: ratings }, severity: 'warn', atMost: 1 }] });
    expect([failure.code, failure.text]).toEqual(['data.quality-too-low', 'in:MPAA Rating: 2 of 3201 rows break it; allowed: 1 row.']);
    expect((await failureOf(world(), { ...pipeline, name: fresh('p'), quality: { atLeast: 0.99 } })).code).toBe('data.quality-too-low');
    expect(await inWarehouse(world(), `select to_regclass('mart.${target}') as target`)).toEqual([{ target: null }]);
    expect((await failureOf(world(), { ...pipeline, name: fresh('p'), checks: [{ unique: ['Title'], atMost: '1%' }] })).code).toBe('request.invalid');
  }, 240_000);
}
