import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { EtlError, type Failure, type Query, endpoints, toFailure } from '@agent-etl/contracts';
import { QueryParser } from '@agent-etl/engines';
import { readSchemaFile } from '@agent-etl/planning';
import { type Change, type Checked, type ForeignDialect, type SourceColumn, POLICY_QUERY, Refusal, type SafeSql, type Schema, type ValidatedQuery, type Written, checked, compile, foreignDialects, nativeOf, nextStep, printQuery, relationsNamedIn, schemaOf } from '@agent-etl/sql-safety';
import { verifyPostgres } from '@agent-etl/sql-safety/postgres';
import { WrongUse } from '../session/exit-codes.ts';
import { readText } from '../session/read-text.ts';
import type { Session } from '../session/session.ts';
import { putProjectConnections } from './submit.ts';

export interface SqlOptions { readonly dialect?: string; readonly schema?: string; readonly connection?: string }
/** What a query reads and gives.
 * @property columns empty when no schema is known: types, origins and the portable form need one
 * @property portable the query printed anew, by engine; times of the run are those of now */
export interface QueryReport {
  readonly file: string; readonly ok: true; readonly dialect: ForeignDialect; readonly reads: readonly { readonly relation: string; readonly columns: readonly string[] }[];
  readonly columns: readonly { readonly name: string; readonly type: string | null; readonly from: readonly SourceColumn[]; readonly how: Change }[];
  readonly functions: readonly string[]; readonly notes: readonly string[]; readonly portable: Readonly<Record<string, string>> | null;
}
export type QueryAnswer = QueryReport | { readonly file: string; readonly ok: false; readonly failure: Failure };
export const isSqlFile = (file: string): boolean => extname(file).toLowerCase() === '.sql';

/** Reads SQL files: what each reads, the columns it gives, where they come from, and its portable form; or why it is not understood, with line and column. Nothing is run. */
export async function validateSql(session: Session, files: readonly string[], options: SqlOptions): Promise<QueryAnswer[]> {
  const dialect = dialectOf(options.dialect);
  if (!files.length) return [];
  const folder = await mkdtemp(join(tmpdir(), 'agent-etl-sql-'));
  const parser = new QueryParser(folder);
  try {
    const answers: QueryAnswer[] = [];
    for (const file of files) answers.push(await answered(file, async () => report(session, { file, dialect, options, parser })));
    return answers;
  } finally {
    await parser.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
function dialectOf(asked = 'postgres'): ForeignDialect {
  const dialect = foreignDialects.find((name) => name === asked);
  if (!dialect) throw new WrongUse(`${JSON.stringify(asked)} is no dialect.`, `use ${foreignDialects.join(', ')}`);
  return dialect;
}
async function answered(file: string, work: () => Promise<QueryReport>): Promise<QueryAnswer> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof EtlError)) throw error;
    return { file, ok: false, failure: toFailure(error) };
  }
}

interface Asked { readonly file: string; readonly dialect: ForeignDialect; readonly options: SqlOptions; readonly parser: QueryParser }
async function report(session: Session, { file, dialect, options, parser }: Asked): Promise<QueryReport> {
  // A semicolon at the end is how files end; what stands behind it is another statement, and refused.
  const text = (await readText(file, session)).replaceAll('\r\n', '\n').replace(/;\s*$/, '');
  const written: Written = { text, dialect };
  const path = (offset: number): string => placeIn(file, text, offset);
  const query = taken(await parser.read(written, path));
  const schema = await schemaFor(session, query, options);
  if (!schema) return { file, ok: true, dialect, reads: relationsNamedIn(query), columns: [], functions: [], portable: null, notes: ['Types, origins and the portable form need to know the relations: name --schema FILE or --connection NAME.'] };
  const validated = taken(await parser.validate(written, { path, schema, policy: POLICY_QUERY }));
  const { outputs, reads, functions, notes } = validated;
  return {
    file, ok: true, dialect, reads, functions, notes, columns: outputs.map(({ name, type, origins, how }) => ({ name, type: nativeOf('postgres', type) ?? type.kind, from: origins, how })),
    portable: { duckdb: printedIn('duckdb', validated, path).text, postgres: await readAgain(printedIn('postgres', validated, path), validated) },
  };
}
function taken<T>(answer: Checked<T>): T {
  if (answer.ok) return answer.value;
  throw new EtlError('sql.rejected', { issues: answer.issues.map(({ text }) => text.replace(/[.]$/, '')).join('; '), next: nextStep(answer.issues) }, { issues: answer.issues });
}
const printedIn = <D extends 'duckdb' | 'postgres'>(engine: D, query: ValidatedQuery, path: (offset: number) => string): SafeSql<D> =>
  taken(checked(path, () => compile(printQuery(engine, query, { now: new Date().toISOString().slice(0, 19).replace('T', ' ') }))));
/** What is shown is what PostgreSQL's own parser reads as the query that was checked. It is loaded for that alone. */
async function readAgain(statement: SafeSql<'postgres'>, query: ValidatedQuery): Promise<string> {
  await verifyPostgres(statement, query);
  return statement.text;
}
function placeIn(file: string, text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `${file}:${before.length}:${(before.at(-1) ?? '').length + 1}`;
}

async function schemaFor(session: Session, query: Query, { schema, connection }: SqlOptions): Promise<Schema | null> {
  if (schema !== undefined) return fromFile(await readText(schema, session), schema);
  if (connection === undefined) return null;
  await putProjectConnections(session);
  const client = await session.client();
  return Promise.all(relationsNamedIn(query).map(async ({ relation }) => {
    const id = `${connection}.${relation.includes('.') ? relation : `public.${relation}`}`;
    const { catalogue } = await client.call(endpoints.getDatasetProfile, { params: { id } });
    if (!catalogue) throw new EtlError('access.not-found', { what: `description of ${id}`, next: `plan with it once (agent-etl plan ${id} --to DATASET), or name --schema FILE` });
    const [table = '', ...parts] = id.split('.').slice(1).toReversed();
    return { parts: parts[0] === undefined ? [table] as const : [parts[0], table] as const, columns: catalogue.columns.map(({ name, type }) => ({ name, type })) };
  }));
}
function fromFile(text: string, file: string): Schema {
  try {
    return schemaOf(readSchemaFile(text, file).relations);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new EtlError('data.format-invalid', { file, format: 'schema', place: 'relations', problem: error.message, next: 'mend the file' }, { cause: error });
  }
}
