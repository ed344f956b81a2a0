import type { MessageInitShape } from '@bufbuild/protobuf';
import type { SafeSql, SqlValue } from '@agent-etl/sql-safety';
import type { PlanSchema } from './messages/spark/connect/base_pb.ts';
import { WriteOperation_SaveMode } from './messages/spark/connect/commands_pb.ts';
import type { ExpressionSchema } from './messages/spark/connect/expressions_pb.ts';
import type { RelationSchema } from './messages/spark/connect/relations_pb.ts';

export type SparkPlan = MessageInitShape<typeof PlanSchema>;
type Relation = MessageInitShape<typeof RelationSchema>;
type Literal = Extract<NonNullable<MessageInitShape<typeof ExpressionSchema>['exprType']>, { case: 'literal' }>['value'];

/** A bound value. A whole number beyond 32 bits is long, a number with a fraction double. */
function literalOf(value: SqlValue): Literal {
  if (value === null) return { literalType: { case: 'null', value: { kind: { case: 'null', value: {} } } } };
  if (typeof value === 'string') return { literalType: { case: 'string', value } };
  if (typeof value === 'boolean') return { literalType: { case: 'boolean', value } };
  if (value instanceof Uint8Array) return { literalType: { case: 'binary', value: Uint8Array.from(value) } };
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return { literalType: { case: 'long', value: BigInt(value) } };
  return { literalType: { case: 'double', value } };
}
/** A statement whose values travel beside it under the names p1, p2, … that `compile` gave them. */
const sqlRelation = ({ text, params }: SafeSql<'spark'>): Relation => ({ relType: { case: 'sql', value: { query: text,
  namedArguments: Object.fromEntries(params.map((value, index) => [`p${index + 1}`, { exprType: { case: 'literal' as const, value: literalOf(value) } }])) } } });

export const queryPlan = (statement: SafeSql<'spark'>): SparkPlan => ({ opType: { case: 'root', value: sqlRelation(statement) } });
/** Parquet files under a name that statements of the session know. Paths stand in a message, never in the text of a statement. */
export const viewPlan = (name: string, paths: readonly string[]): SparkPlan => ({ opType: { case: 'command', value: { commandType: { case: 'createDataframeView', value: {
  name, replace: true, isGlobal: false, input: { relType: { case: 'read', value: { readType: { case: 'dataSource', value: { format: 'parquet', paths: [...paths] } } } } } } } } } });
/** The rows of a statement as Parquet files in a folder that does not exist yet. */
export const writePlan = (statement: SafeSql<'spark'>, folder: string): SparkPlan => ({ opType: { case: 'command', value: { commandType: { case: 'writeOperation', value: {
  input: sqlRelation(statement), source: 'parquet', saveType: { case: 'path', value: folder }, mode: WriteOperation_SaveMode.ERROR_IF_EXISTS } } } } });
