// One statement in a bare DuckDB, in a process of its own: `node bare-duckdb.mjs SQL`. The same threads, memory and order as our engine, and nothing around it.
import { DuckDBInstance } from '@duckdb/node-api';

const database = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '512MiB', preserve_insertion_order: 'false' });
const connection = await database.connect();
const reader = await connection.runAndReadAll(process.argv[2]);
process.stdout.write(JSON.stringify(reader.getRowObjectsJson()));
