import type { LoadTask, MysqlConnection, PublishTask } from '@agent-etl/contracts';
import type { ConnectorTools } from '../../port.ts';
import { mysqlConnector } from '../mysql-connector.ts';
import { MysqlSession } from '../mysql-session.ts';

/** A program of its own that a test kills. It writes pieces without end; or, told of a publish, it writes three pieces, and while it publishes them it kills itself around its n-th statement.
 * It is told where, and for which run, as one JSON argument. */
interface Told { readonly connection: MysqlConnection; readonly task: LoadTask; readonly publish?: { readonly task: PublishTask; readonly statement: number; readonly when: 'before' | 'after' }; readonly runId: string; readonly attempt: number; readonly rowsPerPiece: number }
const { connection, task, publish, runId, attempt, rowsPerPiece } = JSON.parse(process.argv[2] ?? '{}') as Told;
const open = await mysqlConnector.open(connection, { name: 'killed' } as unknown as ConnectorTools);
const sink = await open.sink.begin(task, { runId, task: 'load', attempt, holder: 'killed' });
await sink.raise();
await sink.prepare({ fresh: 'keep' });
for (let ordinal = 0; publish === undefined || ordinal < 3; ordinal += 1) {
  const bytes = Buffer.from(Array.from({ length: rowsPerPiece }, (_, row) => `"${ordinal * rowsPerPiece + row}","${'x'.repeat(100)}"\n`).join(''));
  const piece = await sink.begin({ key: `${publish ? '' : attempt}-${ordinal}`, ordinal, from: null, to: null });
  if (piece === 'done') continue;
  if (!piece.to.write(bytes)) await piece.to.drained();
  await piece.commit({ rows: rowsPerPiece, rejected: 0, bytes: bytes.length, digest: null });
  process.stdout.write(`${ordinal}\n`);
}
if (publish) {
  let statements = 0;
  const die = (): never => { process.kill(process.pid, 'SIGKILL'); throw new Error('killed'); };
  for (const name of ['run', 'change'] as const) {
    const real = MysqlSession.prototype[name] as (...args: unknown[]) => Promise<unknown>;
    MysqlSession.prototype[name] = async function counted(this: MysqlSession, ...args: unknown[]) {
      const isLast = name === 'run' && (statements += 1) === publish.statement;
      if (isLast && publish.when === 'before') die();
      const answer = await real.apply(this, args);
      if (isLast && publish.when === 'after') die();
      return answer;
    } as never;
  }
  await sink.publish(publish.task, { rows: rowsPerPiece * 3, digest: null });
  process.stdout.write('published\n');
  await sink.close();
}
