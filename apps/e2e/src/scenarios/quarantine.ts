import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { type Pipeline, type QuarantineGroup, type QuarantinedRow, type RunView, endpoints } from '@agent-etl/contracts';
import { ask, between, copy, failureOf, fresh, inWarehouse, runOf } from '../steps.ts';
import { type World, root } from '../world.ts';

const ratings = ['G', 'PG', 'PG-13', 'R', 'NC-17', 'Not Rated'];
const vega = (name: string): string => join(root, 'node_modules', 'vega-datasets', 'data', name);
async function films(world: World): Promise<Pipeline> {
  const name = fresh('films');
  await copyFile(vega('movies.json'), join(world.folder, `${name}.json`));
  return { ...between(`files|${name}.json`, `warehouse|mart.${name}`), checks: [{ not_null: ['Title'] }, { in: { column: 'MPAA Rating', values: ratings } }], onFail: { quarantine: { atMost: '1%' } } };
}
const load = ({ tasks }: RunView) => tasks.flatMap(({ result }) => (result?.kind === 'load' ? [result] : []))[0];

export function quarantine(world: () => World): void {
  it('sets the films aside that break a check, mends them in a file, and brings them back once', async () => {
    const pipeline = await films(world());
    const run = await copy(world(), pipeline);
    expect(run.receipt).toMatchObject({ reconciled: true, read: 3201, filtered: 0, rejected: 3, written: 3198, published: 3198 });
    expect(load(run)?.aside).toEqual([{ reason: 'in:MPAA Rating', rows: 2, row: 2172 }, { reason: 'not_null:Title', rows: 1, row: 3054 }]);

    const shown = JSON.parse((await world().cli(['quarantine', 'show', pipeline.name, '--json'])).stdout) as { items: QuarantinedRow[] };
    expect(shown.items.map(({ row, reason, column, runId }) => [row, reason, column, runId])).toEqual([
      [2172, 'in:MPAA Rating', 'MPAA Rating', run.runId], [2655, 'in:MPAA Rating', 'MPAA Rating', run.runId], [3054, 'not_null:Title', 'Title', run.runId]]);
    const explained = await world().cli(['explain', run.runId]);
    expect(explained.stdout).toMatch(/aside +2 {2}in:MPAA Rating +such as row 2,172\n +1 {2}not_null:Title +such as row 3,054/);

    const file = join(world().folder, `${pipeline.name}.ndjson`);
    expect((await world().cli(['quarantine', 'export', pipeline.name, '--out', file])).code).toBe(0);
    const still = await world().cli(['quarantine', 'replay', file, '--json']);
    expect([still.code, Object(JSON.parse(still.stdout)).failure.code]).toEqual([1, 'data.check-failed']); // nothing is mended yet
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll('"MPAA Rating": "Open"', '"MPAA Rating": "Not Rated"').replace('"Title": null', '"Title": "Untitled"'));
    const back = await world().cli(['quarantine', 'replay', file, '--json']);
    expect([back.code, back.stderr]).toEqual([0, '']);
    const replay = JSON.parse(back.stdout) as RunView;
    expect(replay.receipt).toMatchObject({ pipeline: `${pipeline.name}_replay`, reconciled: true, read: 3, rejected: 0, written: 3, published: 3 });

    const again = await world().cli(['quarantine', 'replay', file, '--json']);
    expect([again.code, Object(JSON.parse(again.stdout)).failure]).toEqual([1, expect.objectContaining({ code: 'request.conflict', text: expect.stringContaining('brought back') as unknown })]);
    expect(await inWarehouse(world(), `select count(*)::int as n, count(*) filter (where "Title" = 'Untitled')::int as mended from mart.${pipeline.to.dataset.slice(5)}`)).toEqual([{ n: 3201, mended: 1 }]);
    const groups = JSON.parse((await world().cli(['quarantine', 'list', pipeline.name, '--json'])).stdout) as { items: QuarantineGroup[] };
    expect(groups.items.map(({ reason, rows, replayed }) => [reason, rows, replayed]).sort()).toEqual([['in:MPAA Rating', 2, 2], ['not_null:Title', 1, 1]]);
    const page = await world().client.call(endpoints.readQuarantine, { query: { pipeline: pipeline.name as never, want: 'rows', waiting: 'only' } });
    expect(page).toEqual({ groups: [], rows: [], next: null });
  }, 120_000);
  it('publishes nothing when more films are bad than may be, and lets them be read', async () => {
    const pipeline = { ...await films(world()), onFail: { quarantine: { atMost: 2 } } };
    const failure = await failureOf(world(), pipeline);
    expect([failure.code, failure.text]).toEqual(['data.too-many-rejects', '3 rows rejected, 2 allowed, most of them for in:MPAA Rating.']);
    expect(await inWarehouse(world(), `select to_regclass('mart.${pipeline.to.dataset.slice(5)}') as target`)).toEqual([{ target: null }]);
    const { groups } = await world().client.call(endpoints.readQuarantine, { query: { pipeline: pipeline.name as never } });
    expect(groups.reduce((sum, { rows }) => sum + rows, 0)).toBe(3);
  }, 60_000);
  it('ends at the first bad film where none are set aside, and tells its value to nobody but who asked', async () => {
    const pipeline = { ...await films(world()), onFail: 'stop' as const };
    const run = await runOf(world(), await ask(world(), pipeline));
    expect([run.state, run.failure]).toEqual(['failed', expect.objectContaining({ code: 'data.check-failed', text: 'Row 2172 breaks the check in:MPAA Rating.', cell: { row: 2172, column: 'MPAA Rating', value: 'Open', target: 'a row that keeps in:MPAA Rating' } })]);
  }, 60_000);
  it('sets bird strikes aside beside a file and beside SQLite, twins among them', async () => {
    const name = fresh('strikes');
    await copyFile(vega('birdstrikes.csv'), join(world().folder, `${name}.csv`));
    await world().client.call(endpoints.putConnection, { params: { name }, body: { connector: 'sqlite', root: world().folder, file: `${name}.db` } });
    const damage = { in: { column: 'Effect Amount of damage', values: ['None', 'Minor', 'Medium', 'Substantial'] } };
    const columns = (await readFile(vega('birdstrikes.csv'), 'utf8')).split(/\r?\n/, 1)[0]!.split(',');
    for (const to of [`files|${name}.parquet`, `${name}|strikes`]) {
      const pipeline = { ...between(`files|${name}.csv`, to), checks: [damage, { unique: columns }], onFail: { quarantine: { atMost: '0.5%' } } };
      const run = await copy(world(), pipeline);
      expect(run.receipt).toMatchObject({ reconciled: true, read: 10_000, rejected: 15 + TWINS, written: 9_985 - TWINS });
      const { rows } = await world().client.call(endpoints.readQuarantine, { query: { pipeline: pipeline.name as never, want: 'rows', limit: 200 } });
      expect([rows.length, rows.filter(({ reason }) => reason === 'in:Effect Amount of damage').length]).toEqual([15 + TWINS, 15]);
    }
  }, 120_000);
}
/** Rows with a twin, all of whose cells are filled. */
const TWINS = 18;
