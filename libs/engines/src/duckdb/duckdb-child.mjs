// The program inside a DuckChild: one DuckDB instance, locked before the first statement, spoken to over IPC. Plain JavaScript, so that tests and
// bundles start the same file. It ends with its parent; whoever wants it gone kills it.
import { DuckDBInstance } from '@duckdb/node-api';

const MAX_ROWS = 10_000;
let connection;

// A terminal sends Ctrl-C to the whole group, but the parent decides when a copy stops.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
// process.exit() waits for threads that may be stuck in a FIFO.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

const text = (value) => {
  if (typeof value !== 'string' || value.includes('\0')) throw new TypeError('a setting must be text without NUL');
  return `'${value.replaceAll("'", "''")}'`;
};
const list = (values) => `[${values.map(text).join(', ')}]`;

/** Order matters: folders and files are allowed before outside access ends, and nothing can be set after the lock. */
async function open({ threads, memoryLimit, spillFolder, spillLimit, folders, files }) {
  const database = await DuckDBInstance.create(':memory:', {
    threads: String(threads), memory_limit: memoryLimit, temp_directory: spillFolder, preserve_insertion_order: 'false',
    autoinstall_known_extensions: 'false', autoload_known_extensions: 'false',
  });
  connection = await database.connect();
  const settings = [
    `TimeZone = 'UTC'`, `Calendar = 'gregorian'`, `max_temp_directory_size = ${text(spillLimit)}`, `enable_progress_bar = true`, `enable_progress_bar_print = false`,
    `progress_bar_time = 0`, `allowed_directories = ${list(folders)}`, ...(files.length ? [`allowed_paths = ${list(files)}`] : []),
    'enable_external_access = false', 'lock_configuration = true',
  ];
  for (const setting of settings) await connection.run(`SET ${setting}`);
  const [[version]] = (await connection.runAndReadAll('SELECT version()')).getRows();
  return { version };
}

async function run({ statement, params }) {
  const reader = await connection.streamAndReadUntil(statement, MAX_ROWS + 1, params);
  if (reader.currentRowCount > MAX_ROWS) throw new Error(`Result Error: more than ${MAX_ROWS} rows`);
  return { rows: reader.getRowObjectsJson(), changed: reader.rowsChanged };
}

const work = { open, run, interrupt: async () => { connection?.interrupt(); }, ping: async () => ({}) };
process.on('message', ({ id, ask, ...rest }) => {
  work[ask](rest).then((answer) => process.send({ id, ...answer }), (error) => process.send({ id, failed: String(error?.message ?? error).slice(0, 20_000) }));
});
