import { type ColumnType, QUERY_INPUT, type Query, type QueryStage } from '@agent-etl/contracts';
import type { InputColumns } from '../check/check-expression.ts';
import { isEnumeration } from '../check/type-rules.ts';
import { identifier, isName } from '../ident/identifier.ts';
import { checkQuery } from '../query/check-query.ts';
import { POLICY_STEP, type Schema } from '../query/policy.ts';
import type { ValidatedQuery } from '../query/validated-query.ts';
import { Refusal } from '../refusal.ts';
import { printQuery } from '../render/query/print-query.ts';
import { type ExprDialect, nativeOf, typeIn } from '../render/types.ts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';
import type { Side } from './side.ts';
import type { Printed, StageScope } from './stage-scope.ts';
import type { FusedColumn } from './state.ts';

/** A query whose text was lowered. */
export interface LoweredQuery { readonly op: 'query'; readonly query: Query; readonly relations: readonly { readonly name: string; readonly input: number }[] }
/** A query of a step asks for no time: the policy lets none through. */
const NO_TIME = { now: '1970-01-01 00:00:00' };

const columnsOf = (columns: InputColumns) => [...columns].map(([name, type]) => ({ name, type }));
const sameType = (a: ColumnType, b: ColumnType | undefined): boolean => a.kind === b?.kind && a.precision === b.precision && a.scale === b.scale;
const folded = (columns: InputColumns): Set<string> => new Set([...columns.keys()].map((name) => name.toLowerCase()));

/** Relations that a query of a step sees: the rows before it and the datasets that it names, and nothing else.
 * @throws Refusal `SQL_IDENTIFIER` for columns that SQL cannot name */
function schemaOf(input: InputColumns, others: readonly { readonly name: string; readonly columns: InputColumns }[]): Schema {
  return [{ name: QUERY_INPUT, columns: input }, ...others].map(({ name, columns }) => {
    if (folded(columns).size !== columns.size || [...columns.keys()].some((column) => !isName(column))) throw new Refusal('SQL_IDENTIFIER', `A query names columns in 1 to 63 bytes, and not by case alone; rename or drop such columns of ${name} before it`);
    return { parts: [name], columns: columnsOf(columns) };
  });
}
/** What a query gives as a step. An enumeration that is only shown is what its values say: behind the query every engine has it as text. */
const outputsOf = ({ outputs }: ValidatedQuery): readonly { readonly name: string; readonly type: ColumnType }[] => outputs.map(({ name, type }) => ({ name, type: isEnumeration(type) ? { kind: 'text' } : { ...type } }));
/** Every column behind a query has a type that its engine can spell.
 * @throws Refusal `SQL_TYPE` */
function assertPassable(outputs: ReturnType<typeof outputsOf>): void {
  const lost = outputs.find((column) => nativeOf('duckdb', column.type) === null);
  if (lost) throw new Refusal('SQL_TYPE', `The query gives ${lost.name} as ${lost.type.kind === 'dec' ? 'a decimal without declared digits; cast it, such as cast(x as decimal(18,4))' : 'a type that only its own engine knows; leave it out, or cast it before'}`);
}

/** The query as a stage, over the columns of the rows before it and of the other datasets.
 * @throws Refusal what `checkQuery` refuses, with its place in the text, in bytes */
export function queried({ query, relations }: LoweredQuery, { held, inputs, dialect }: { readonly held: readonly FusedColumn[]; readonly inputs: readonly InputColumns[]; readonly dialect: ExprDialect | null }): { readonly stage: QueryStage; readonly columns: readonly FusedColumn[] } {
  const input = new Map(held.map(({ name, type }) => [name, type]));
  const others = relations.map(({ name, input: at }) => ({ name, columns: columnsAt(inputs, at) }));
  const checked = checkQuery(query, { schema: schemaOf(input, others), policy: POLICY_STEP });
  const columns = outputsOf(checked);
  assertPassable(columns);
  if (dialect) printQuery(dialect, checked, NO_TIME);
  return {
    stage: { op: 'query', query, input: columnsOf(input), relations: relations.map((relation, nth) => ({ ...relation, columns: usedOf(checked, relation.name, others[nth]!.columns) })), columns: [...columns] },
    columns: columns.map((column) => ({ ...column, source: null })),
  };
}
function columnsAt(inputs: readonly InputColumns[], at: number): InputColumns {
  const columns = inputs[at];
  if (!columns) throw new Refusal('IR_SHAPE', 'There is no such input');
  return columns;
}
/** Columns of a dataset that a query reads; one where it only counts its rows. */
function usedOf({ reads }: ValidatedQuery, relation: string, columns: InputColumns): string[] {
  const used = reads.find((each) => each.relation === relation)?.columns ?? [];
  const names = [...columns.keys()].filter((name) => used.includes(name));
  return names.length ? names : [...columns.keys()].slice(0, 1);
}

/** A stored query over the columns that stand there now: what it claims of them has to be so.
 * @throws Refusal `IR_SHAPE`, and what `checkQuery` refuses */
export function checkQueryStage({ query, input: claimed, relations, columns }: QueryStage, { input, inputs }: { readonly input: InputColumns; readonly inputs: readonly InputColumns[] }): ValidatedQuery {
  if (claimed.length !== input.size || [...input].some(([name, type], nth) => claimed[nth]?.name !== name || !sameType(type, claimed[nth]?.type))) throw new Refusal('IR_SHAPE', 'The query is over other columns than there are');
  const others = relations.map(({ name, input: at, columns: used }) => ({ name, columns: new Map([...columnsAt(inputs, at)].filter(([column]) => used.includes(column))) }));
  const checked = checkQuery(query, { schema: schemaOf(input, others), policy: POLICY_STEP });
  const outputs = outputsOf(checked);
  assertPassable(outputs);
  if (outputs.length !== columns.length || outputs.some(({ name, type }, nth) => columns[nth]?.name !== name || !sameType(type, columns[nth]?.type))) throw new Refusal('IR_SHAPE', 'The query gives other columns than it says');
  return checked;
}

/** Each relation stands before the query under the name that it reads it by, with the columns that it may see; a printed query names no other.
 * `counted` is one row: `l` rows before it, `r` rows of the other datasets, `o` rows that it gives. */
export function printQueryStage<D extends ExprDialect>(stage: QueryStage, scope: StageScope<D>, { rows, others }: { readonly rows: Side<D>; readonly others: readonly Side<D>[] }): Printed<D> & { readonly counted: SqlFragment<D> } {
  const { sql, dialect } = scope;
  const inputs: InputColumns[] = [];
  stage.relations.forEach(({ input }, nth) => { inputs[input] = others[nth]!.types; });
  const checked = checkQueryStage(stage, { input: rows.types, inputs });
  const relation = (name: string, { from, value }: Side<D>, columns: readonly string[]): SqlFragment<D> =>
    sql`${identifier(name)} AS (SELECT ${joinSql(columns.map((column) => sql`${value(column)} AS ${identifier(column)}`), sql`, `)} FROM ${from})`;
  const relations = [relation(QUERY_INPUT, rows, [...rows.types.keys()]), ...stage.relations.map(({ name, columns }, nth) => relation(name, others[nth]!, columns))];
  const outputs = outputsOf(checked);
  const list = scope.listed(outputs.map(({ name, type }) => sql`CAST(made.${identifier(name)} AS ${typeIn(dialect, type)})`));
  const made = sql`(${printQuery(dialect, checked, NO_TIME)}) AS made`;
  const within = sql`WITH ${joinSql(relations, sql`, `)} SELECT `;
  return { types: new Map(outputs.map(({ name, type }) => [name, type])), rows: sql`${within}${list} FROM ${made}`, counted: sql`${within}${counts(dialect, [sql`${identifier(QUERY_INPUT)}`], 'l')}, ${counts(dialect, stage.relations.map(({ name }) => sql`${identifier(name)}`), 'r')}, ${counts(dialect, [made], 'o')}` };
}
/** Rows of all that is given, as text. */
function counts<D extends ExprDialect>(dialect: D, from: readonly SqlFragment<D>[], as: string): SqlFragment<D> {
  const sql = sqlFor(dialect);
  return sql`CAST(${from.length ? joinSql(from.map((each) => sql`(SELECT count(*) FROM ${each})`), sql` + `) : sql`0`} AS ${typeIn(dialect, { kind: 'text' })}) AS ${identifier(as)}`;
}
