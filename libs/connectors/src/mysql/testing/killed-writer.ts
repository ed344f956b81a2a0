import type { LoadTask, MysqlConnection } from '@agent-etl/contracts';
import type { ConnectorTools } from '../../port.ts';
import { mysqlConnector } from '../mysql-connector.ts';

/** A program of its own: writes pieces without end, until it is killed. It is told where, and for which run, as one JSON argument. */
interface Told { readonly connection: MysqlConnection; readonly task: LoadTask; readonly runId: string; readonly attempt: number; readonly rowsPerPiece: number }
const { connection, task, runId, attempt, rowsPerPiece } = JSON.parse(process.argv[2] ?? '{}') as Told;
const open = await mysqlConnector.open(connection, { name: 'killed' } as unknown as ConnectorTools);
const sink = await open.sink.begin(task, { runId, task: 'load', attempt, holder: 'killed' });
await sink.raise();
await sink.prepare({ fresh: 'keep' });
for (let ordinal = 0; ; ordinal += 1) {
  const bytes = Buffer.from(Array.from({ length: rowsPerPiece }, (_, row) => `"${ordinal * rowsPerPiece + row}","${'x'.repeat(100)}"\n`).join(''));
  const piece = await sink.begin({ key: `${attempt}-${ordinal}`, ordinal, from: null, to: null });
  if (piece === 'done') continue;
  if (!piece.to.write(bytes)) await piece.to.drained();
  await piece.commit({ rows: rowsPerPiece, rejected: 0, bytes: bytes.length, digest: null });
  process.stdout.write(`${ordinal}\n`);
}
