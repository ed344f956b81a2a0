import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import type { RunView } from '@agent-etl/contracts';
import { fresh, inShop } from '../steps.ts';
import { type World, urlOf } from '../world.ts';

const canary = 'canary-4711';

export function commandLine(world: () => World): void {
  it('runs two addresses to a receipt that verifies offline', async () => {
    const table = fresh('cli');
    await inShop(world(), `create table ${table} (id int primary key); insert into ${table} select generate_series(1, 500)`);
    const answer = await world().cli(['run', `shop.public.${table}`, '--to', `warehouse.mart.${table}`, '--json']);
    expect([answer.code, answer.stderr]).toEqual([0, expect.anything()]);
    const run = JSON.parse(answer.stdout) as RunView;
    expect(run.receipt).toMatchObject({ reconciled: true, written: 500 });
    const file = join(world().folder, `${table}.json`);
    await writeFile(file, JSON.stringify(run.receipt));
    expect((await world().cli(['receipt', 'verify', file, '--key', world().publicKey])).code).toBe(0);
    await writeFile(file, (await readFile(file, 'utf8')).replace('"written":500', '"written":501'));
    expect(await world().cli(['receipt', 'verify', file, '--key', world().publicKey, '--json'])).toMatchObject({ code: 1, stdout: expect.stringContaining('receipt.invalid') as unknown });
    const explained = await world().cli(['explain', run.runId]);
    expect([explained.code, explained.stdout]).toEqual([0, expect.stringMatching(/not .*: [\s\S]*receipt/)]);
  });
  it('keeps the password of an address out of everything', async () => {
    if (world().name !== 'standalone') return expect((await world().cli(['run', `postgres://etl:${canary}@127.0.0.1:1/shop?table=public.x`, '--to', './x.csv'])).code).toBe(2);
    const table = fresh('uri');
    await inShop(world(), `create table ${table} (id int primary key); insert into ${table} select generate_series(1, 5)`);
    const url = new URL(urlOf(world().postgresUrl, 'shop'));
    url.username = 'etl';
    url.password = canary;
    const answer = await world().cli(['run', 'env:SHOP_URL', '--to', `./${table}.parquet`, '--table', `public.${table}`], { SHOP_URL: url.href });
    expect([answer.code, answer.stderr.includes(canary), answer.stdout.includes(canary)]).toEqual([0, false, false]);
  });
  it.each([
    [['nonsense'], 2], [['run'], 2], [['run', 'shop.public.t'], 2], [['run', 's3://bucket/x', '--to', './x.csv'], 2], [['run', 'shop.public.no_such_table', '--to', './x.csv'], 1], [['watch', 'no-such-run'], 1],
    [['connections', 'test', 'shop'], 0], [['connectors'], 0], [['runs', '--limit', '5'], 0], [['pipelines'], 0], [['dlq', 'list'], 0], [['datasets', 'shop'], 0], [['config', 'show'], 0],
  ])('ends %j with %d', async (args, code) => {
    const answer = await world().cli(args);
    expect([answer.code, answer.stderr]).toEqual([code, code === 0 ? expect.anything() : expect.not.stringMatching(/^\s+at /m)]);
  });
  it('names file, line, column and the nearest key', async () => {
    const file = join(world().folder, 'bad.yaml');
    await writeFile(file, 'version: 1\nname: orders\nform: { connection: a, dataset: b }\nto: { connection: a, dataset: c }\n');
    const answer = await world().cli(['validate', file]);
    expect([answer.code, answer.stdout]).toEqual([1, expect.stringMatching(/bad\.yaml:3:1[\s\S]*from/)]);
  });
}
