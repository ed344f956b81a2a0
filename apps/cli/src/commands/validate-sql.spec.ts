import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queryScreen } from '../screens/query-screen.ts';
import { plain } from '../screens/ansi.ts';
import { Session } from '../session/session.ts';
import { type QueryReport, validateSql } from './validate-sql.ts';

let folder: string;
let session: Session;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'validate-'));
  session = new Session({ project: folder }, { cwd: folder, env: {} });
  await writeFile(join(folder, 'schema.yaml'), 'relations:\n  shop.orders: { id: bigint, customer_id: bigint, total: "decimal(10,2)", ordered_at: timestamp }\n  shop.customers: { id: bigint, name: text }\n');
  await writeFile(join(folder, 'good.sql'), '-- spent by customer\nselect c.name, sum(o.total) as spent\nfrom shop.orders o join shop.customers c on c.id = o.customer_id\ngroup by c.name;\n');
  await writeFile(join(folder, 'bad.sql'), 'select id,\r\n  nmae\r\nfrom shop.customers\r\n');
  await writeFile(join(folder, 'two.sql'), 'select 1; select 2');
});
afterAll(async () => { await rm(folder, { recursive: true }); });

describe('a file of SQL', () => {
  it('is told with what it reads, gives and becomes', async () => {
    const [answer] = await validateSql(session, ['good.sql'], { schema: 'schema.yaml' });
    expect(answer).toMatchObject({ ok: true, dialect: 'postgres', reads: [{ relation: 'shop.customers', columns: ['id', 'name'] }, { relation: 'shop.orders', columns: ['customer_id', 'total'] }],
      columns: [{ name: 'name', type: 'text', how: 'copied', from: [{ relation: 'shop.customers', column: 'name' }] }, { name: 'spent', type: 'numeric(38,2)', how: 'aggregated', from: [{ relation: 'shop.orders', column: 'total' }] }] });
    expect(Object.keys((answer as QueryReport).portable ?? {})).toEqual(['duckdb', 'postgres']);
    expect(queryScreen(answer as QueryReport, plain).join('\n')).toMatch(/spent +numeric\(38,2\) +aggregated of shop\.orders\.total/);
  });
  it('is told with its relations where no schema is known', async () => {
    expect(await validateSql(session, ['good.sql'], {})).toMatchObject([{ ok: true, reads: [{ relation: 'shop.customers', columns: ['id', 'name'] }, { relation: 'shop.orders', columns: ['customer_id', 'total'] }], columns: [], portable: null }]);
  });
  it('is refused with file, line, column and the nearest name', async () => {
    expect(await validateSql(session, ['bad.sql', 'two.sql'], { schema: 'schema.yaml' })).toMatchObject([
      { ok: false, failure: { code: 'sql.rejected', issues: [{ code: 'SQL_COLUMN', path: 'bad.sql:2:3', text: 'There is no column nmae here; did you mean name.' }] } }, { ok: false, failure: { issues: [{ code: 'SQL_NOT_ONE_SELECT' }] } }]);
  });
  it('is wrongly asked about in a dialect that is none', async () => { await expect(validateSql(session, ['good.sql'], { dialect: 'oracle' })).rejects.toThrow('no dialect'); });
});
