import type { LoadTask, MysqlConnection, PublishTask } from '@agent-etl/contracts';
import type { ConnectorTools } from '../../port.ts';
import { ROWS, sayHowItEnds, writeRows } from '../../testing/sleeping-piece.ts';
import { mysqlConnector } from '../mysql-connector.ts';
import { MysqlSession } from '../mysql-session.ts';

/** A program of its own: writes one piece and publishes it, and stops itself behind its last look at the fence, right before one statement. Says how it ended, once it has tidied up.
 * @property sleepsIn of two statements that read alike, the one of its piece or the one of its publish */
export interface Told { readonly connection: MysqlConnection; readonly task: LoadTask; readonly publish: PublishTask; readonly runId: string; readonly sleepsIn: 'piece' | 'publish'; readonly before: 'COMMIT' | 'RENAME' }
const { connection, task, publish, runId, sleepsIn, before } = JSON.parse(process.argv[2] ?? '{}') as Told;

let isArmed = false;
const { change } = MysqlSession.prototype;
MysqlSession.prototype.change = function sleeping(this: MysqlSession, ...args) {
  if (isArmed && args[0].text.startsWith(before)) {
    isArmed = false;
    process.kill(process.pid, 'SIGSTOP');
  }
  return change.apply(this, args);
};

const open = await mysqlConnector.open(connection, { name: 'sleeper' } as unknown as ConnectorTools);
const sink = await open.sink.begin(task, { runId, task: 'load', attempt: 1, holder: 'sleeper' });
/** As a worker does it: a commit that nobody knows the end of is done again. */
async function write(): Promise<void> {
  for (;;) {
    const piece = await sink.begin({ key: 'all', ordinal: 0, from: null, to: null });
    if (piece === 'done') return;
    if (await writeRows(piece) === 'written') return;
  }
}
await sayHowItEnds(sink, async () => {
  await sink.raise();
  await sink.prepare({ fresh: 'keep' });
  isArmed = sleepsIn === 'piece';
  await write();
  isArmed = sleepsIn === 'publish';
  await sink.publish(publish, { rows: ROWS, digest: null });
});
