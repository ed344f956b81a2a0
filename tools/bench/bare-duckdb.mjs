// One statement in a bare DuckDB, in a process of its own: `node bare-duckdb.mjs SQL [MiB] [spill folder]`. The same threads, memory and order as our engine, and nothing around it.
import { DuckDBInstance } from '@duckdb/node-api';

const [statement, memoryMb = '512', spill = ''] = process.argv.slice(2);
const database = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: `${memoryMb}MiB`, preserve_insertion_order: 'false', ...(spill ? { temp_directory: spill } : {}) });
const connection = await database.connect();
const reader = await connection.runAndReadAll(statement);
process.stdout.write(JSON.stringify(reader.getRowObjectsJson()));
