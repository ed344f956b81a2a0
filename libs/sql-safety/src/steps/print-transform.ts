import { type ColumnType, type Counted, EtlError, type JoinStage, MOST_INPUTS, type Order, type QueryStage, type Stage, type Transform, type UnionStage, addressOf } from '@agent-etl/contracts';
import { type InputColumns, checkExpression } from '../check/check-expression.ts';
import { type ValidatedMeasure, checkMeasure } from '../check/check-measure.ts';
import { bool } from '../check/type-rules.ts';
import type { ValidatedExpr } from '../check/validated.ts';
import { identifier } from '../ident/identifier.ts';
import { nextStep } from '../next-step.ts';
import { noSuch } from '../no-such.ts';
import { Refusal } from '../refusal.ts';
import { measureForms } from '../render/measure-forms.ts';
import { type ColumnSource, printExpression } from '../render/print-expression.ts';
import { type ExprDialect, typeIn } from '../render/types.ts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import { combinedFrom } from './combined.ts';
import { printFlatten } from './flatten.ts';
import { printJoin } from './print-join.ts';
import { printQueryStage } from './query.ts';
import { type Side, blanksOf, listed, orderOf, otherSide, seenAs, typeAt } from './side.ts';
import { assertStage } from './stage-forms.ts';
import type { Printed, StageScope } from './stage-scope.ts';
import { printUnion } from './union.ts';
import { printUnpivot } from './unpivot.ts';
import { printWindow } from './window.ts';

/** What a transform begins with: a FROM list, and where each column of the source stands in it; then the same of its other inputs, in their order. */
export interface TransformInput<D extends ExprDialect> { readonly from: SqlFragment<D>; readonly column: ColumnSource<D>; readonly inputs?: readonly TransformInput<D>[] }
/** A join, a union or a query over other datasets, and a statement of one row that counts what it does. `read` makes of that row what a receipt says.
 * @throws EtlError of `read`: `data.join-multiplies`, `data.join-missed` */
export interface PrintedCombining<D extends ExprDialect> { readonly counted: SqlFragment<D>; read(row: Readonly<Record<string, unknown>>): Counted }
/** @property rows SELECT whose columns are c0, c1, … in the order of `names`
 * @property reaching SELECT that counts the rows of the source (`seen`) and those that the filters before any grouping let through (`kept`)
 * @property combining what joins, unions and queries over other datasets do, in their order */
export interface PrintedTransform<D extends ExprDialect> { readonly rows: SqlFragment<D>; readonly names: readonly string[]; readonly reaching: SqlFragment<D>; readonly combining: readonly PrintedCombining<D>[] }

/** Checks a stored transform again and prints it: between plan and run it was only data.
 * @throws EtlError `sql.rejected` */
export function printTransform<D extends ExprDialect>(dialect: D, transform: Pick<Transform, 'input' | 'inputs' | 'stages'>, begin: TransformInput<D>): PrintedTransform<D> {
  return told(() => {
    const printer = new StagePrinter(dialect, transform, begin);
    for (const stage of transform.stages) printer.add(stage);
    return printer.done();
  });
}
/** What is refused in a stored transform, in the words of the error table. */
function told<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const issues = [{ code: error.code, path: '/pipeline/steps', text: `${error.message}.` }];
    throw new EtlError('sql.rejected', { issues: error.message, next: nextStep(issues) }, { issues });
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

class StagePrinter<D extends ExprDialect> implements StageScope<D> {
  readonly dialect: D;
  readonly sql: ReturnType<typeof sqlFor<D>>;
  types: InputColumns;
  from: SqlFragment<D>;
  column: ColumnSource<D>;
  names: readonly string[];
  private rows: SqlFragment<D> | null = null;
  /** Columns that were listed last. */
  private width = 0;
  /** Filters of the rows before anything else happens to them. */
  private reaching: { readonly from: SqlFragment<D>; readonly where: SqlFragment<D> | null } | null = null;
  private blank: ReadonlySet<string>;
  private readonly others: readonly { readonly side: Side<D>; readonly address: string }[];
  private readonly combining: PrintedCombining<D>[] = [];
  constructor(dialect: D, { input, inputs = [] }: Pick<Transform, 'input' | 'inputs'>, { from, column, inputs: begins = [] }: TransformInput<D>) {
    this.dialect = dialect;
    this.sql = sqlFor(dialect);
    this.types = new Map(input.map(({ name, type }) => [name, type]));
    this.blank = blanksOf(dialect, input);
    this.others = inputs.flatMap(({ columns, source }, index) => { const other = begins[index]; return other ? [{ side: otherSide(dialect, columns, other), address: addressOf(source) }] : []; });
    this.from = from;
    this.column = column;
    this.names = [...this.types.keys()];
  }

  add(stage: Stage): void {
    assertStage(this.dialect, stage);
    if (stage.op !== 'rows') this.reaching ??= { from: this.from, where: null };
    const next = this.printed(stage);
    if (stage.op === 'rows') this.blank = new Set(stage.columns.filter(({ expr }) => expr.k === 'col' && this.blank.has(expr.name)).map(({ name }) => name));
    if (stage.op === 'group') this.blank = new Set(stage.by.filter((name) => this.blank.has(name)));
    if (stage.op === 'unpivot') this.blank = new Set(stage.keep.filter((name) => this.blank.has(name)));
    if (stage.op === 'union' || stage.op === 'query') this.blank = new Set();
    // Columns are read by their place: of a stage that named one twice, the next would read others than it names.
    if (this.width !== next.types.size) throw new Refusal('STEP_COLUMN_CLASH', 'Two columns would have one name');
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
    return { rows: this.rows, names: this.names, combining: this.combining,
      reaching: reaching?.where ? sql`SELECT count(*) AS seen, count(*) FILTER (WHERE ${reaching.where}) AS kept FROM ${reaching.from}` : sql`SELECT count(*) AS seen, count(*) AS kept FROM ${reaching?.from ?? this.from}` };
  }

  /** One form for each stage: the compiler finds one that is missing. */
  private printed(stage: Stage): Printed<D> {
    switch (stage.op) {
      case 'rows': return this.byRow(stage);
      case 'group': return this.byGroup(stage);
      case 'first': return this.firstOfKey(stage);
      case 'limit': return this.limited(stage);
      case 'join': return this.joined(stage);
      case 'union': return this.united(stage);
      case 'query': return this.asked(stage);
      case 'flatten': return printFlatten(stage, this);
      case 'unpivot': return printUnpivot(stage, this);
      case 'window': return printWindow(stage, this);
    }
  }

  expression(expr: unknown, expect?: ColumnType): SqlFragment<D> { return this.print(checkExpression(expr, { input: this.types, ...(expect ? { expect } : {}) })); }
  print(value: ValidatedExpr): SqlFragment<D> { return printExpression(this.dialect, value, this.value); }
  /** A column as expressions see it. */
  private readonly value: ColumnSource<D> = (name) => seenAs(this.dialect, this.blank, this.column)(name);
  private get side(): Side<D> { return { types: this.types, from: this.from, column: this.column, value: this.value }; }
  passing(name: string): SqlFragment<D> {
    if (!this.types.has(name)) throw noSuch('column', name, { known: this.names });
    return this.column(name);
  }
  listed(values: readonly SqlFragment<D>[]): SqlFragment<D> {
    this.width = values.length;
    return listed(this.dialect, values);
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
  typeOf(name: string): ColumnType { return typeAt(this.types, name); }
  private byGroup({ by, measures }: Extract<Stage, { op: 'group' }>): Printed<D> {
    const { sql } = this;
    const values = measures.map((measure) => checkMeasure(measure, this.types));
    const keys = by.map((name) => this.passing(name));
    const list = this.listed([...keys, ...values.map((value) => this.measure(value))]);
    const types = new Map<string, ColumnType>([...by.map((name): [string, ColumnType] => [name, this.typeOf(name)]), ...values.map(({ as, type }): [string, ColumnType] => [as, type])]);
    return { types, rows: sql`SELECT ${list} FROM ${this.from}${keys.length ? sql` GROUP BY ${joinSql(keys, sql`, `)}` : sql``}` };
  }
  private measure({ fn, arg, where, type }: ValidatedMeasure): SqlFragment<D> {
    const form = measureForms[this.dialect]({ fn, arg: arg && this.print(arg), from: arg?.type ?? null, where: where && this.print(where) });
    return this.sql`CAST(${form} AS ${typeIn(this.dialect, type)})`;
  }
  private firstOfKey({ keys, order }: Extract<Stage, { op: 'first' }>): Printed<D> {
    const { sql } = this;
    const ranked = sql`SELECT ${this.columns()}, row_number() OVER (PARTITION BY ${joinSql(keys.map((name) => this.passing(name)), sql`, `)} ORDER BY ${this.order(order, 'total')}) AS nth FROM ${this.from}`;
    return { types: this.types, rows: sql`SELECT ${joinSql(this.names.map((_, index) => sql`${identifier(`c${index}`)}`), sql`, `)} FROM (${ranked}) AS ranked WHERE nth = 1` };
  }
  private limited({ order, n, offset }: Extract<Stage, { op: 'limit' }>): Printed<D> {
    const { sql, dialect } = this;
    return { types: this.types, rows: sql`SELECT ${this.columns()} FROM ${this.from} ORDER BY ${this.order(order, 'total')} LIMIT ${literal(dialect, n)} OFFSET ${literal(dialect, offset)}` };
  }
  order(order: readonly Order[], ties: 'total' | 'as given'): SqlFragment<D> { return orderOf(this.dialect, this.side, { order, ties }); }
  /** A join and a union check their names themselves, and list as many columns as they have. */
  private combined(stage: JoinStage | UnionStage | QueryStage, { counted, ...printed }: Printed<D> & { readonly counted: SqlFragment<D> }, address: string): Printed<D> {
    this.combining.push({ counted, read: (row) => combinedFrom(row, { stage, address }) });
    this.width = printed.types.size;
    return printed;
  }
  private joined(stage: JoinStage): Printed<D> {
    const { address, side: right } = this.other(stage.input);
    return this.combined(stage, printJoin(this.dialect, stage, { left: this.side, right }), address);
  }
  private united(stage: UnionStage): Printed<D> {
    const others = stage.inputs.map((input) => this.other(input));
    return this.combined(stage, printUnion(this.dialect, stage, [this.side, ...others.map(({ side }) => side)]), others.map(({ address }) => address).join(', '));
  }
  /** A query over the rows alone is counted as groups are: what went in, and what came out. */
  private asked(stage: QueryStage): Printed<D> {
    const others = stage.relations.map(({ input }) => this.other(input));
    const printed = printQueryStage(stage, this, { rows: this.side, others: others.map(({ side }) => side) });
    return others.length ? this.combined(stage, printed, others.map(({ address }) => address).join(', ')) : { rows: printed.rows, types: printed.types };
  }
  private other(index: number): { readonly side: Side<D>; readonly address: string } {
    const other = this.others[index];
    if (!other) throw new Refusal('IR_SHAPE', 'There is no such input');
    if (this.combining.length >= MOST_INPUTS) throw new Refusal('SQL_LIMIT', `There are more than ${MOST_INPUTS} joins and unions`);
    return other;
  }
}
