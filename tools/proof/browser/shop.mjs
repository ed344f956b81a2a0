// The system that the browser looks at: a standalone on throw-away data, with a shop whose tables take from an instant to some seconds to copy.
import { rmSync } from 'node:fs';
import { startPostgres } from '../../provision/postgres.mjs';
import { databaseUrl, startStandalone, withClient } from '../../provision/standalone.mjs';

export const tables = { customers: 20_000, shipments: 300_000, orders: 2_400_000 };
const fill = (name, rows) => `create table ${name} as select g::bigint as id, 'customer ' || g % 5003 as customer, (g * 37 % 100000) / 100.0::numeric as total,
  timestamptz '2026-01-01' + g * interval '7 seconds' as changed_at, case g % 5 when 0 then 'open' when 1 then 'sent' else 'paid' end as status from generate_series(1, ${rows}) g;
  alter table ${name} add primary key (id); analyze ${name}`;

/** @returns `stop` at once, so that a failure later stops it too; `start` answers address, token and a way to ask for copies */
export function aShop(folder) {
  const stops = [];
  const stop = async () => { for (const end of stops.reverse()) await end(); };
  const start = async () => {
    const postgres = await startPostgres({ settings: { synchronous_commit: 'off' } });
    stops.push(postgres.stop);
    const urlOf = (name) => databaseUrl(postgres, name);
    for (const name of ['shop', 'warehouse', 'agent_etl']) await withClient(postgres.url, (client) => client.query(`create database ${name}`));
    await Promise.all(Object.entries(tables).map(([name, rows]) => withClient(urlOf('shop'), (client) => client.query(fill(name, rows)))));
    rmSync(folder, { recursive: true, force: true });
    const standalone = await startStandalone({ shop: urlOf('shop'), warehouse: urlOf('warehouse') }, { folder, env: { ...process.env, ETL_PERSISTENCE_URL: urlOf('agent_etl') } });
    stops.push(standalone.stop);
    const { call, url } = standalone;
    const copy = (name) => call('POST', '/v1/requests', { requestId: `browser-${name}`, run: 'now',
      pipeline: { name, from: { connection: 'shop', dataset: `public.${name}` }, to: { connection: 'warehouse', dataset: `public.${name}` } } });
    return { ...standalone, copy, port: Number(new URL(url).port) };
  };
  return { start, stop };
}
