import type { LoadTask, SqliteConnection } from '@agent-etl/contracts';
import type { ConnectorTools } from '../../port.ts';
import { sqliteConnector } from '../sqlite-connector.ts';

/** A program of its own: writes pieces without end, until it is killed. It is told where, and for which run, as one JSON argument. */
interface Told { readonly connection: SqliteConnection; readonly root: string; readonly scratch: string; readonly task: LoadTask; readonly runId: string; readonly attempt: number; readonly rowsPerPiece: number }
const { connection, root, scratch, task, runId, attempt, rowsPerPiece } = JSON.parse(process.argv[2] ?? '{}') as Told;
const tools = { secrets: { get: () => Promise.reject(new Error('none')) }, fileRoots: [root], scratch, name: 'killed', fileLedger: null } as unknown as ConnectorTools;
const open = await sqliteConnector.open(connection, tools);
const sink = await open.sink.begin(task, { runId, task: 'load', attempt, holder: 'killed' });
await sink.raise();
await sink.prepare({ fresh: 'keep' });
const bytes = Buffer.from(Array.from({ length: rowsPerPiece }, (_, row) => `"${row}","${'x'.repeat(100)}"\n`).join(''));
for (let ordinal = 0; ; ordinal += 1) {
  const piece = await sink.begin({ key: `${attempt}-${ordinal}`, ordinal, from: null, to: null });
  if (piece === 'done') continue;
  piece.to.write(bytes);
  await piece.commit({ rows: rowsPerPiece, rejected: 0, bytes: bytes.length, digest: null });
  process.stdout.write(`${ordinal}\n`);
}
