import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { type Failure, type PlanView, type RunView, endpoints, isFinal } from '@agent-etl/contracts';
import { fresh, inShop, inWarehouse, untilRun } from '../steps.ts';
import { type SetUp, type World, cliProgram, run, urlOf } from '../world.ts';
import { untilNothingIsLeft } from './failures.ts';

const canary = 'canary-4711';

export function commandLine(world: () => World, has: SetUp['has']): void {
  it('runs two addresses to a receipt that verifies offline', async () => {
    const table = fresh('cli');
    await inShop(world(), `create table ${table} (id int primary key); insert into ${table} select generate_series(1, 500)`);
    const answer = await world().cli(['run', `shop.public.${table}`, '--to', `warehouse.mart.${table}`, '--json']);
    expect([answer.code, answer.stderr]).toEqual([0, '']);
    const green = JSON.parse(answer.stdout) as RunView;
    expect(green.receipt).toMatchObject({ reconciled: true, written: 500 });
    const file = join(world().folder, `${table}.json`);
    await writeFile(file, JSON.stringify(green.receipt));
    expect((await world().cli(['receipt', 'verify', file, '--key', world().publicKey])).code).toBe(0);
    await writeFile(file, (await readFile(file, 'utf8')).replace('"written":500', '"written":501'));
    expect(await world().cli(['receipt', 'verify', file, '--key', world().publicKey, '--json'])).toMatchObject({ code: 1, stdout: expect.stringContaining('receipt.invalid') as unknown });
    const explained = await world().cli(['explain', green.runId]);
    expect([explained.code, explained.stdout]).toEqual([0, expect.stringMatching(/not .*: [\s\S]*receipt/)]);
  });
  if (has.services) it('refuses an address with a password in it, and does not repeat it', async () => {
    const answer = await world().cli(['run', `postgres://etl:${canary}@127.0.0.1:1/shop?table=public.x`, '--to', './x.csv']);
    expect(answer).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(/^ x {2}A deployed API takes no passwords\.\n[\s\S]*\n {4}code {4}request\.invalid\n$/) as unknown });
    expect(answer.stderr).not.toContain(canary);
  });
  else it('keeps the password of an address out of everything', async () => {
    const table = fresh('uri');
    await inShop(world(), `create table ${table} (id int primary key); insert into ${table} select generate_series(1, 5)`);
    const url = new URL(urlOf(world().postgresUrl, 'shop'));
    url.username = 'etl';
    url.password = canary;
    const answer = await world().cli(['run', 'env:SHOP_URL', '--to', `./${table}.parquet`, '--table', `public.${table}`], { SHOP_URL: url.href });
    expect([answer.code, answer.stderr.includes(canary), answer.stdout.includes(canary)]).toEqual([0, false, false]);
  });
  it.each([
    [['nonsense'], 2, 'request.invalid', 'There is no command nonsense.'], [['run'], 2, 'request.invalid', 'agent-etl run needs one more word: what.'], [['run', 'shop.public.t'], 2, 'request.invalid', 'Where to?'],
    [['run', 's3://bucket/x', '--to', './x.csv'], 2, 'request.invalid', 's3:// addresses are not supported.'], [['run', 'shop.public.no_such_table', '--to', './x.csv'], 1, 'source.not-found', 'shop has no table public.no_such_table.'],
    [['watch', 'no-such-run'], 1, 'access.not-found', 'There is no such run no-such-run.'],
  ] as const)('ends %j with %d and says %s', async (args, code, error, text) => {
    const { stderr, ...rest } = await world().cli(args);
    const [first, ...more] = stderr.trimEnd().split('\n');
    expect([rest, first]).toEqual([{ code, stdout: '' }, ` x  ${text}`]);
    expect(more.map((line) => line.replace(/ {3}trace [0-9a-f]{32}$/, ''))).toEqual([expect.stringMatching(/^ {4}next {4}\S/), `    code    ${error}`]);
  });
  it.each([
    [['connections', 'test', 'shop'], /^ ok {6}shop answers: PostgreSQL \d/], [['connectors'], /^ postgres {3,}yes/m], [['runs', '--limit', '5'], /^ run +pipeline +state/], [['pipelines'], /^ pipeline +from +to/],
    [['dlq', 'list'], /^ no dead letters$/m], [['datasets', 'shop'], /^ dataset +rows +bytes$/m], [['config', 'show'], /^ secrets +\S/m],
  ])('answers %j on stdout, and says nothing beside it', async (args, answers) => {
    expect(await world().cli(args)).toEqual({ code: 0, stdout: expect.stringMatching(answers) as unknown, stderr: '' });
  });
  it.each<[string[], number, string]>([
    [['nonsense'], 2, 'request.invalid'], [['run'], 2, 'request.invalid'], [['connections', 'tset', 'shop'], 2, 'request.invalid'], [['run', 's3://bucket/x', '--to', './x.csv'], 2, 'request.invalid'],
    [['runs', '--limit', '0'], 2, 'request.invalid'], [['watch', 'no-such-run'], 1, 'access.not-found'], [['dlq', 'show', 'none'], 1, 'access.not-found'], [['connections', 'test', 'shpo'], 1, 'access.not-found'],
    [['run', 'no_such_pipeline'], 1, 'access.not-found'], [['run', 'shop.public.no_such_table', '--to', './x.csv'], 1, 'source.not-found'], [['run', 'files:no_such.csv', '--to', 'warehouse.mart.x'], 1, 'source.not-found'],
    [['run', 'no_such.yaml'], 1, 'source.not-found'], [['receipt', 'verify', 'no_such.json'], 1, 'receipt.invalid'], [['run', 'shop.public.x', '--to', 'warehouse.mart.x', '--request-id', 'x'.repeat(129)], 1, 'request.invalid'],
  ])('answers %j with %d, and with one document where scripts read', async (args, code, error) => {
    const answer = await world().cli([...args, '--json']);
    const said = Object(JSON.parse(answer.stdout)).error as Failure;
    expect([answer.code, said.code, Object.keys(said)]).toEqual([code, error, expect.arrayContaining(['code', 'text', 'next', 'traceId'])]);
    expect(answer.stderr).toMatch(/^ x {2}\S[\s\S]*\n {4}code {4}\S/);
  });
  it('takes a requestId in any script, once', async () => {
    const table = fresh('said');
    await inShop(world(), `create table ${table} (id int primary key); insert into ${table} values (1)`);
    const args = ['run', `shop.public.${table}`, '--to', `warehouse.mart.${table}`, '--request-id', `日本 ${table}`, '--json'];
    const [first, again] = [await world().cli(args), await world().cli(args)];
    expect([first.code, again.code, (JSON.parse(again.stdout) as RunView).runId]).toEqual([0, 0, (JSON.parse(first.stdout) as RunView).runId]);
  });
  it('approves the plan that a person has read, and none that it has made itself', async () => {
    const table = fresh('read');
    await inShop(world(), `create table ${table} (id int primary key); insert into ${table} select generate_series(1, 50)`);
    await inWarehouse(world(), `create schema if not exists mart; create table mart.${table} (id int); insert into mart.${table} values (0)`);
    const file = join(world().folder, `${table}.yaml`);
    await writeFile(file, `version: 1\nname: ${table}\nfrom: { connection: shop, dataset: public.${table} }\nto: { connection: warehouse, dataset: mart.${table}, load: replace }\n`);
    const unread = await world().cli(['apply', file, '--approve', '--json']);
    const plan = JSON.parse(unread.stdout) as PlanView;
    expect([unread.code, plan.status, unread.stderr]).toEqual([3, 'proposed', expect.stringContaining(`agent-etl apply ${plan.planId} --approve`)]);
    const dag = join(world().folder, `${table}.py`);
    const shown = await world().cli(['plan', plan.planId.slice(0, 12), '--dag', dag]);
    expect([shown.code, shown.stdout, shown.stderr, existsSync(dag)]).toEqual([3, expect.stringContaining(`plan ${table}`), expect.stringContaining('it comes with the approval'), false]);
    const refused = await world().cli(['run', plan.planId, '--json', '--tenant', 'default']);
    expect([refused.code, Object(JSON.parse(refused.stdout)).error]).toEqual([3, expect.objectContaining({ code: 'plan.needs-approval', next: expect.stringContaining(plan.planId) as unknown })]);
    expect((await world().cli(['apply', table, '--approve'])).code).toBe(0);
    expect((await world().cli(['run', plan.planId, '--watch'])).code).toBe(0);
    expect(await inWarehouse(world(), `select count(*)::int as n from mart.${table}`)).toEqual([{ n: 50 }]);
    expect([(await world().cli(['plan', plan.planId, '--dag', dag])).code, existsSync(dag)]).toEqual([0, true]);
    expect(await world().cli(['runs', '--tenant', 'acme', '--json'])).toMatchObject({ code: 1, stdout: expect.stringContaining('request.unsupported') as unknown });
  });
  it('lets two commands at once fill a target once', async () => {
    const table = fresh('both');
    await inShop(world(), `create table ${table} (id int primary key); insert into ${table} select generate_series(1, 5000)`);
    const args = ['run', `shop.public.${table}`, '--to', `warehouse.mart.${table}`, '--json'];
    const answers = await Promise.all([world().cli(args), world().cli(args)]);
    expect(answers.map(({ code }) => code).sort()[0]).toBe(0);
    const { items } = await world().client.call(endpoints.listRuns, { query: { limit: 10 } });
    for (const { runId } of items.filter(({ state }) => !isFinal(state))) await untilRun(world(), runId);
    expect(await inWarehouse(world(), `select count(*)::int as n from mart.${table}`)).toEqual([{ n: 5000 }]);
  });
  if (has.services) it('sends a deployed API the connections of the project with the first apply', async () => {
    const project = await mkdtemp(join(world().folder, 'project-'));
    const pipeline = join(project, 'sent.yaml');
    await writeFile(join(project, 'agent-etl.yaml'), `version: 1\nconnections: { sent: { connector: file, root: ${JSON.stringify(world().folder)} } }\n`);
    await writeFile(join(world().folder, 'sent.csv'), 'id,name\n1,one\n2,two\n');
    await writeFile(pipeline, 'version: 1\nname: sent\nfrom: { connection: sent, dataset: sent.csv }\nto: { connection: sent, dataset: sent.parquet }\n');
    expect(await world().cli(['plan', pipeline, '--json', '--project', project])).toMatchObject({ code: 1, stdout: expect.stringContaining('sent') as unknown });
    const applied = await world().cli(['apply', pipeline, '--json', '--project', project]);
    expect([applied.code, Object(JSON.parse(applied.stdout)).status]).toEqual([0, 'approved']);
    expect((await world().cli(['run', 'sent'])).code).toBe(0);
  });
  if (!has.services) it('lets two first commands of a folder meet at one standalone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'etl-e2e-first-'));
    try {
      const first = (): ReturnType<World['cli']> => run(process.execPath, [cliProgram, 'connectors', '--json'], { cwd: folder, env: { NO_COLOR: '1', AGENT_ETL_BUNDLED: '1' } });
      const answers = await Promise.all([first(), first()]);
      const names = answers.map(({ code, stdout }) => (code === 0 ? (JSON.parse(stdout) as { items: { name: string }[] }).items.map(({ name }) => name) : stdout));
      expect(names).toEqual([expect.arrayContaining(['postgres', 'file']), names[0]]);
      const { pid } = JSON.parse(await readFile(join(folder, '.agent-etl', 'run.json'), 'utf8')) as { pid: number };
      process.kill(pid, 'SIGTERM');
      for (let tries = 0; existsSync(join(folder, '.agent-etl', 'lock')) && tries < 200; tries += 1) await delay(50);
    } finally { await rm(folder, { recursive: true, force: true }); }
  }, 90_000);
  it.each([['once', 1], ['twice', 2]])('is told %s to stop in mid-copy, and nothing is left', async (_, times) => {
    const table = fresh('stopped');
    await inShop(world(), `create table ${table} (id int primary key, t text); insert into ${table} select n, repeat('x', 300) from generate_series(1, 1200000) as n; analyze ${table}`);
    const isCopying = async (): Promise<boolean> => (await world().client.call(endpoints.listRuns, { query: { limit: 1 } })).items.some(({ pipeline, tasks }) => pipeline.includes(table) && tasks.some(({ progress }) => (progress?.rows ?? 0) > 0));
    const answer = await world().cli(['run', `shop.public.${table}`, '--to', `warehouse.mart.${table}`, '--json'], {}, async (child) => {
      while (!await isCopying()) await delay(20);
      for (let sent = 0; sent < times; sent += 1) { child.kill('SIGINT'); await delay(150); }
    });
    expect([answer.code, answer.stderr]).toEqual([130, expect.stringContaining('cancelling at the next chunk boundary')]);
    const said = JSON.parse(answer.stdout) as { state?: string; error?: Failure };
    expect(said.error?.code ?? said.state).toBe(said.error ? 'run.cancelled' : 'cancelled');
    const { items: [latest] } = await world().client.call(endpoints.listRuns, { query: { limit: 1 } });
    expect((await untilRun(world(), latest!.runId)).state).toBe('cancelled');
    await untilNothingIsLeft(world());
    expect(await inWarehouse(world(), `select to_regclass('mart.${table}') as t`)).toEqual([{ t: null }]);
  }, 90_000);
  it('refuses a pipeline file that is empty, a folder, ten megabytes or in another encoding', async () => {
    const folder = join(world().folder, fresh('files'));
    await mkdir(join(folder, 'folder.yaml'), { recursive: true });
    const contents: [string, string | Buffer, string][] = [['empty.yaml', '', 'request.invalid'], ['huge.yaml', `name: a\n#${'x'.repeat(10_485_760)}`, 'request.too-large'], ['latin.yaml', Buffer.from([0x61, 0x3a, 0xe9]), 'data.format-invalid'], ['two.yaml', 'a: 1\n---\nb: 2\n', 'request.malformed']];
    for (const [name, content] of contents) await writeFile(join(folder, name), content);
    for (const [name, , code] of [...contents, ['folder.yaml', '', 'file.forbidden'] as const]) {
      const answer = await world().cli(['run', join(folder, name), '--json']);
      expect([name, answer.code, Object(JSON.parse(answer.stdout)).error.code]).toEqual([name, 1, code]);
    }
  });
  it('does not take a web page for an API', async () => {
    const page = createServer((_, answer) => { answer.end('<html>'); }).listen(0, '127.0.0.1');
    await once(page, 'listening');
    try {
      const answer = await run(process.execPath, [cliProgram, 'runs', '--json', '--url', `http://127.0.0.1:${(page.address() as AddressInfo).port}`], { cwd: world().folder, env: { AGENT_ETL_BUNDLED: '1' } });
      expect([answer.code, Object(JSON.parse(answer.stdout)).error.next]).toEqual([1, expect.stringContaining('that address')]);
    } finally { page.close(); }
  });
  it('names file, line, column and the nearest key', async () => {
    const file = join(world().folder, 'bad.yaml');
    await writeFile(file, 'version: 1\nname: orders\nform: { connection: a, dataset: b }\nto: { connection: a, dataset: c }\n');
    const answer = await world().cli(['validate', file]);
    expect([answer.code, answer.stdout]).toEqual([1, expect.stringMatching(/bad\.yaml:3:1[\s\S]*from/)]);
  });
}
