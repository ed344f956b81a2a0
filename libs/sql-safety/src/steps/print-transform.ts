import { type ColumnType, EtlError, type Order, type Stage, type Transform } from '@agent-etl/contracts';
import { type InputColumns, checkExpression } from '../check/check-expression.ts';
import { type ValidatedMeasure, checkMeasure } from '../check/check-measure.ts';
import { bool, isSortable } from '../check/type-rules.ts';
import { identifier } from '../ident/identifier.ts';
import { Refusal } from '../refusal.ts';
import { measureForms } from '../render/measure-forms.ts';
import { type ColumnSource, printExpression } from '../render/print-expression.ts';
import { type ExprDialect, typeIn } from '../render/types.ts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import { assertStage } from './stage-forms.ts';

/** What a transform begins with: a FROM list, and where each column of the source stands in it. */
export interface TransformInput<D extends ExprDialect> { readonly from: SqlFragment<D>; readonly column: ColumnSource<D> }
/** @property rows SELECT whose columns are c0, c1, … in the order of `names`
 * @property reaching SELECT that counts the rows of the source (`seen`) and those that the filters before any grouping let through (`kept`) */
export interface PrintedTransform<D extends ExprDialect> { readonly rows: SqlFragment<D>; readonly names: readonly string[]; readonly reaching: SqlFragment<D> }

/** Checks a stored transform again and prints it: between plan and run it was only data.
 * @throws EtlError `sql.rejected` */
export function printTransform<D extends ExprDialect>(dialect: D, { input, stages }: Transform, begin: TransformInput<D>): PrintedTransform<D> {
  return told(() => {
    const printer = new StagePrinter(dialect, input, begin);
    for (const stage of stages) printer.add(stage);
    return printer.done();
  });
}
/** What is refused in a stored transform, in the words of the error table. */
function told<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new EtlError('sql.rejected', { issues: error.message }, { issues: [{ code: error.code, path: '/pipeline/steps', text: `${error.message}.` }] });
  }
}

/** What a transform of one stage over single rows makes of a row: its columns, where a value did not fit, and whether it stays. Null where rows do not go one by one. */
export interface PrintedRow<D extends ExprDialect> { readonly columns: readonly { readonly name: string; readonly value: SqlFragment<D> }[]; readonly misfits: readonly { readonly name: string; readonly misfit: SqlFragment<D> }[]; readonly where: SqlFragment<D> | null }
/** @throws EtlError `sql.rejected` */
export function printRow<D extends ExprDialect>(dialect: D, { input, stages }: Transform, column: ColumnSource<D>): PrintedRow<D> | null {
  const [stage] = stages;
  if (stages.length !== 1 || stage?.op !== 'rows') return null;
  const types = new Map(input.map(({ name, type }) => [name, type]));
  const print = (expr: unknown, expect?: ColumnType): SqlFragment<D> => printExpression(dialect, checkExpression(expr, { input: types, ...(expect ? { expect } : {}) }), column);
  return told(() => ({
    columns: stage.columns.map(({ name, expr }) => ({ name, value: expr.k === 'col' && types.has(expr.name) ? column(expr.name) : print(expr) })),
    misfits: (stage.misfits ?? []).map(({ name, expr }) => ({ name, misfit: print(expr, bool) })),
    where: stage.where === null ? null : print(stage.where, bool),
  }));
}

/** Texts of PostgreSQL that its functions read with their blanks, or that have no collation; staged for Spark they keep the blanks. They pass as they are; expressions see what they say. */
const BLANK = /^(character\(|"char"$)/;

class StagePrinter<D extends ExprDialect> {
  private readonly dialect: D;
  private readonly sql: ReturnType<typeof sqlFor<D>>;
  private types: InputColumns;
  private from: SqlFragment<D>;
  private column: ColumnSource<D>;
  private names: readonly string[];
  private rows: SqlFragment<D> | null = null;
  /** Filters of the rows before anything else happens to them. */
  private reaching: { readonly from: SqlFragment<D>; readonly where: SqlFragment<D> | null } | null = null;
  private blank: ReadonlySet<string>;
  constructor(dialect: D, input: Transform['input'], { from, column }: TransformInput<D>) {
    this.dialect = dialect;
    this.sql = sqlFor(dialect);
    this.types = new Map(input.map(({ name, type }) => [name, type]));
    this.blank = new Set(dialect === 'postgres' || dialect === 'spark' ? input.filter(({ native }) => BLANK.test(native)).map(({ name }) => name) : []);
    this.from = from;
    this.column = column;
    this.names = [...this.types.keys()];
  }

  add(stage: Stage): void {
    assertStage(this.dialect, stage);
    const next = stage.op === 'rows' ? this.byRow(stage) : stage.op === 'group' ? this.byGroup(stage) : stage.op === 'first' ? this.firstOfKey(stage) : this.limited(stage);
    if (stage.op === 'rows') this.blank = new Set(stage.columns.filter(({ expr }) => expr.k === 'col' && this.blank.has(expr.name)).map(({ name }) => name));
    if (stage.op === 'group') this.blank = new Set(stage.by.filter((name) => this.blank.has(name)));
    this.rows = next.rows;
    this.types = next.types;
    this.names = [...next.types.keys()];
    const { sql, names } = this;
    this.from = sql`(${next.rows}) AS stage`;
    this.column = (name) => sql`stage.${identifier(`c${names.indexOf(name)}`)}`;
  }
  done(): PrintedTransform<D> {
    if (!this.rows) throw new Refusal('IR_SHAPE', 'There is no step');
    const { sql, reaching } = this;
    return { rows: this.rows, names: this.names,
      reaching: reaching?.where ? sql`SELECT count(*) AS seen, count(*) FILTER (WHERE ${reaching.where}) AS kept FROM ${reaching.from}` : sql`SELECT count(*) AS seen, count(*) AS kept FROM ${reaching?.from ?? this.from}` };
  }

  private expression(expr: unknown, expect?: ColumnType): SqlFragment<D> { return printExpression(this.dialect, checkExpression(expr, { input: this.types, ...(expect ? { expect } : {}) }), this.value); }
  /** A column as expressions see it. */
  private readonly value: ColumnSource<D> = (name) => (!this.blank.has(name) ? this.column(name) : this.dialect === 'spark' ? this.sql`rtrim(${this.column(name)})` : this.sql`CAST(${this.column(name)} AS ${typeIn(this.dialect, { kind: 'text' })})`);
  private passing(name: string): SqlFragment<D> {
    if (!this.types.has(name)) throw new Refusal('SQL_COLUMN', 'There is no such column here');
    return this.column(name);
  }
  private listed(values: readonly SqlFragment<D>[]): SqlFragment<D> {
    const { sql } = this;
    return joinSql(values.map((value, index) => sql`${value} AS ${identifier(`c${index}`)}`), sql`, `);
  }
  private columns(): SqlFragment<D> { return this.listed(this.names.map((name) => this.column(name))); }

  private byRow({ columns, where }: Extract<Stage, { op: 'rows' }>): Printed<D> {
    const { sql } = this;
    const condition = where === null ? null : this.expression(where, bool);
    this.reaching ??= { from: this.from, where: condition };
    // A column that only passes is not a calculation: its type may be one that expressions do not know.
    const types = new Map(columns.map(({ name, expr }) => [name, expr.k === 'col' ? this.typeOf(expr.name) : checkExpression(expr, { input: this.types }).type]));
    const list = this.listed(columns.map(({ expr }) => (expr.k === 'col' ? this.passing(expr.name) : this.expression(expr))));
    return { types, rows: sql`SELECT ${list} FROM ${this.from}${condition ? sql` WHERE ${condition}` : sql``}` };
  }
  private typeOf(name: string): ColumnType {
    const type = this.types.get(name);
    if (!type) throw new Refusal('SQL_COLUMN', 'There is no such column here');
    return type;
  }
  private byGroup({ by, measures }: Extract<Stage, { op: 'group' }>): Printed<D> {
    const { sql } = this;
    this.reaching ??= { from: this.from, where: null };
    const values = measures.map((measure) => checkMeasure(measure, this.types));
    const keys = by.map((name) => this.passing(name));
    const list = this.listed([...keys, ...values.map((value) => this.measure(value))]);
    const types = new Map<string, ColumnType>([...by.map((name): [string, ColumnType] => [name, this.typeOf(name)]), ...values.map(({ as, type }): [string, ColumnType] => [as, type])]);
    return { types, rows: sql`SELECT ${list} FROM ${this.from}${keys.length ? sql` GROUP BY ${joinSql(keys, sql`, `)}` : sql``}` };
  }
  private measure({ fn, arg, where, type }: ValidatedMeasure): SqlFragment<D> {
    const print = (value: Parameters<typeof printExpression<D>>[1]): SqlFragment<D> => printExpression(this.dialect, value, this.value);
    const form = measureForms[this.dialect]({ fn, arg: arg && print(arg), from: arg?.type ?? null, where: where && print(where) });
    return this.sql`CAST(${form} AS ${typeIn(this.dialect, type)})`;
  }
  private firstOfKey({ keys, order }: Extract<Stage, { op: 'first' }>): Printed<D> {
    const { sql } = this;
    this.reaching ??= { from: this.from, where: null };
    const ranked = sql`SELECT ${this.columns()}, row_number() OVER (PARTITION BY ${joinSql(keys.map((name) => this.passing(name)), sql`, `)} ORDER BY ${this.order(order)}) AS nth FROM ${this.from}`;
    return { types: this.types, rows: sql`SELECT ${joinSql(this.names.map((_, index) => sql`${identifier(`c${index}`)}`), sql`, `)} FROM (${ranked}) AS ranked WHERE nth = 1` };
  }
  private limited({ order, n, offset }: Extract<Stage, { op: 'limit' }>): Printed<D> {
    const { sql, dialect } = this;
    this.reaching ??= { from: this.from, where: null };
    return { types: this.types, rows: sql`SELECT ${this.columns()} FROM ${this.from} ORDER BY ${this.order(order)} LIMIT ${literal(dialect, n)} OFFSET ${literal(dialect, offset)}` };
  }
  /** The columns given, then all others: an order that leaves two rows equal would let an engine choose. */
  private order(order: readonly Order[]): SqlFragment<D> {
    const { sql } = this;
    const given = order.map(({ e, dir, nulls }) => sql`${this.sorted(checkExpression(e, { input: this.types }).type, this.expression(e))} ${dir === 'asc' ? sql`ASC` : sql`DESC`} NULLS ${nulls === 'first' ? sql`FIRST` : sql`LAST`}`);
    const rest = this.names.filter((name) => isSortable(this.typeOf(name))).map((name) => sql`${this.sorted(this.typeOf(name), this.value(name))} ASC NULLS LAST`);
    return joinSql([...given, ...rest], sql`, `);
  }
  private sorted({ kind }: ColumnType, value: SqlFragment<D>): SqlFragment<D> { return this.dialect === 'postgres' && kind === 'text' ? this.sql`${value} COLLATE "C"` : value; }
}
interface Printed<D extends ExprDialect> { readonly rows: SqlFragment<D>; readonly types: InputColumns }
