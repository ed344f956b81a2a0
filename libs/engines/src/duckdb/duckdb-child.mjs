// The program inside a DuckChild: one DuckDB instance, locked before the first statement, spoken to over IPC. Plain JavaScript, so that tests and
// bundles start the same file. It ends with its parent; whoever wants it gone kills it.
import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import duckdb from '@duckdb/node-bindings';
import { CopyFrames } from './copy-frames.mjs';
import { bindValues, plainColumns, plainRows } from './plain-rows.mjs';

const MAX_ROWS = 10_000;
const REPORT_MS = 250;
/** Where a statement is run again, to hear why it failed. */
const NOWHERE = '/dev/null';
let database; // held, or it would be collected with its connection
let connection;
/** Of the statement that is running: what stops its output, and whether it was told to. */
let stopOutput = () => {};
let isInterrupted = false;

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
  const config = duckdb.create_config();
  const options = {
    threads: String(threads), memory_limit: memoryLimit, temp_directory: spillFolder, preserve_insertion_order: 'false',
    autoinstall_known_extensions: 'false', autoload_known_extensions: 'false',
  };
  for (const [name, value] of Object.entries(options)) duckdb.set_config(config, name, value);
  database = await duckdb.open(':memory:', config);
  connection = await duckdb.connect(database);
  const settings = [
    `TimeZone = 'UTC'`, `Calendar = 'gregorian'`, `max_temp_directory_size = ${text(spillLimit)}`, `enable_progress_bar = true`, `enable_progress_bar_print = false`,
    `progress_bar_time = 0`, `allowed_directories = ${list(folders)}`, `allowed_paths = ${list([...files, NOWHERE])}`,
    'enable_external_access = false', 'lock_configuration = true',
  ];
  for (const setting of settings) await duckdb.query(connection, `SET ${setting}`);
  return { version: duckdb.library_version() };
}

/** The last statement of a text, its values bound, as far as its first rows. What stands before it is run. */
async function streamed(statement, params) {
  const statements = await duckdb.extract_statements(connection, statement);
  if (statements.statement_count === 0) throw new Error(duckdb.extract_statements_error(statements.extracted_statements));
  for (let nth = 0; ; nth += 1) {
    const prepared = await duckdb.prepare_extracted_statement(connection, statements.extracted_statements, nth);
    try {
      if (nth < statements.statement_count - 1) { await duckdb.execute_prepared(prepared); continue; }
      bindValues(prepared, params);
      return await duckdb.execute_prepared_streaming(prepared);
    } finally { duckdb.destroy_prepare_sync(prepared); }
  }
}
/** The chunks of a result with their rows, one by one. */
async function* chunksOf(result) {
  for (;;) {
    const chunk = await duckdb.fetch_chunk(result);
    const rows = chunk ? duckdb.data_chunk_get_size(chunk) : 0;
    if (rows === 0) return;
    yield { chunk, rows };
  }
}

async function run({ statement, params }) {
  isInterrupted = false;
  const result = await streamed(statement, params);
  const rows = await rowsOf(result);
  await mustHaveEnded(result, { statement, params });
  return { rows, changed: duckdb.rows_changed(result) };
}
/** Counted before they become objects: rows that are too many may be wide, too. */
async function rowsOf(result) {
  const columns = plainColumns(result);
  if (!columns) {
    const { DuckDBResult, DuckDBResultReader } = await import('@duckdb/node-api');
    const reader = new DuckDBResultReader(new DuckDBResult(result));
    await reader.readUntil(MAX_ROWS + 1);
    mustBeFew(reader.currentRowCount);
    return reader.getRowObjectsJson();
  }
  const all = [];
  for await (const { chunk, rows } of chunksOf(result)) {
    mustBeFew(all.length + rows);
    for (const row of plainRows(columns, chunk, rows)) all.push(row);
  }
  return all;
}
function mustBeFew(rows) { if (rows > MAX_ROWS) throw new Error(`Result Error: more than ${MAX_ROWS} rows`); }

/** A stream that fails ends as one that is complete, without a word; only the type of its result says so (duckdb_result_return_type). The same statement, run to its end, says why. */
async function mustHaveEnded(result, { statement, params }) {
  if (duckdb.result_return_type(result) !== duckdb.ResultType.INVALID) return;
  if (!isInterrupted) for await (const _ of chunksOf(await streamed(`COPY (${statement}) TO '${NOWHERE}' (FORMAT csv)`, params)));
  throw new Error(isInterrupted ? 'INTERRUPT Error: Interrupted!' : 'Result Error: the statement ended early and does not say why');
}

/** Writes the rows of a statement into a FIFO as messages of a binary COPY: one chunk is on its way while the next is made. */
async function frames({ id, statement, params, to, wires }) {
  isInterrupted = false;
  const pipe = new Socket({ fd: openSync(to, constants.O_WRONLY | constants.O_NONBLOCK), readable: false, writable: true });
  pipe.on('error', () => {});                                                      // each write hears it
  stopOutput = () => { pipe.destroy(new Error('INTERRUPT Error: Interrupted!')); };
  try {
    const result = await streamed(statement, params);
    const rows = await copied(new CopyFrames(result, wires), { id, result, pipe });
    await mustHaveEnded(result, { statement, params });
    return { changed: rows };
  } finally {
    stopOutput = () => {};
    pipe.destroy();
  }
}
async function copied(messages, { id, result, pipe }) {
  let [rows, reportedAt, onItsWay] = [0, performance.now(), Promise.resolve()];
  const send = async (message) => {
    const before = onItsWay;
    onItsWay = new Promise((resolve, reject) => { pipe.write(message, (error) => (error ? reject(error) : resolve())); });
    onItsWay.catch(() => {});                                                      // heard by the next one
    await before;
  };
  await send(messages.first);
  for await (const { chunk, rows: more } of chunksOf(result)) {
    for (const message of messages.of(chunk, more)) await send(message);
    rows += more;
    if (performance.now() - reportedAt > REPORT_MS) { reportedAt = performance.now(); process.send({ id, seen: rows }); }
  }
  await send(messages.last);
  await onItsWay;
  return rows;
}
const interrupt = async () => {
  isInterrupted = true;
  stopOutput();
  if (connection) duckdb.interrupt(connection);
};

const work = { open, run, frames, interrupt, ping: async () => ({}) };
process.on('message', ({ id, ask, ...rest }) => {
  work[ask]({ id, ...rest }).then((answer) => process.send({ id, ...answer }), (error) => process.send({ id, failed: String(error?.message ?? error).slice(0, 20_000) }));
});
