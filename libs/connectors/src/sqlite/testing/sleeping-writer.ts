import type { LoadTask, PublishTask, SqliteConnection } from '@agent-etl/contracts';
import type { ConnectorTools } from '../../port.ts';
import { ROWS, sayHowItEnds, writeRows } from '../../testing/sleeping-piece.ts';
import { sqliteConnector } from '../sqlite-connector.ts';
import { SqliteLedger } from '../sqlite-ledger.ts';

/** A program of its own: writes one piece and publishes it, and stops itself right behind the n-th look at its fence. Says how it ended, once it has tidied up.
 * @property look 1: staging is made, 2: its piece begins, 3: its piece is committed, 4: it publishes */
interface Told { readonly connection: SqliteConnection; readonly root: string; readonly scratch: string; readonly task: LoadTask; readonly publish: PublishTask; readonly runId: string; readonly look: number }
const { connection, root, scratch, task, publish, runId, look } = JSON.parse(process.argv[2] ?? '{}') as Told;

let looks = 0;
const { hold } = SqliteLedger.prototype;
SqliteLedger.prototype.hold = function sleeping(this: SqliteLedger, ...args) {
  hold.apply(this, args);
  looks += 1;
  if (looks === look) process.kill(process.pid, 'SIGSTOP');
};

const tools = { secrets: { get: () => Promise.reject(new Error('none')) }, fileRoots: [root], scratch, name: 'sleeper', fileLedger: null } as unknown as ConnectorTools;
const open = await sqliteConnector.open(connection, tools);
const sink = await open.sink.begin(task, { runId, task: 'load', attempt: 1, holder: 'sleeper' });
await sayHowItEnds(sink, async () => {
  await sink.raise();
  await sink.prepare({ fresh: 'keep' });
  const piece = await sink.begin({ key: 'all', ordinal: 0, from: null, to: null });
  if (piece === 'done') throw new Error('there is nothing to write');
  await writeRows(piece);
  await sink.publish(publish, { rows: ROWS, digest: null });
});
