// What the proofs that kill ask of the one oracle: each run of a standalone, after whatever befell it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unsound } from '@agent-etl/etl-worker/testing';
import { databaseUrl, withClient } from '../provision/standalone.mjs';

/** A connection for each statement: whoever looks for sessions sees none of ours. */
const askOf = (url) => (text, values = []) => withClient(url, async (client) => (await client.query(text, values)).rows);

/** Asks the oracle about a run between the databases `shop` and `wh` of a cluster.
 * @param rows queries of both ends, to be compared row by row; left out where the target is no table
 * @param of where the ledger is, `table` or `files` · `sessions` whether connections must be gone
 * @throws Error with everything that is not so */
export async function mustBeSound({ cluster, standalone }, { runId, rows, of = 'table', sessions = 'may rest' }) {
  const [state, shop, wh] = [askOf(databaseUrl({ url: standalone.postgresUrl }, 'agent_etl')), askOf(cluster.shop), askOf(cluster.wh)];
  const found = await unsound({
    runId, state, publicKey: readFileSync(join(standalone.folder, '.agent-etl', 'keys', 'receipts.pub.pem'), 'utf8'), ledger: { ask: of === 'table' ? wh : state, of },
    ends: rows ? { source: { ask: shop, rows: rows.source }, target: { ask: wh, rows: rows.target } } : null,
    places: { databases: [shop, wh], sessions, folders: { targets: standalone.folder, scratch: null } },
  }, 15_000);
  if (found.length > 0) throw new Error(`NOT SO: run ${runId}\n  ${found.join('\n  ')}`);
}
