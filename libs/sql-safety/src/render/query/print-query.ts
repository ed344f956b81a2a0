import type { ColumnType, FrameBound, QueryFrame } from '@agent-etl/contracts';
import { SqlSafetyError } from '../../errors.ts';
import { identifier } from '../../ident/identifier.ts';
import { Refusal } from '../../refusal.ts';
import { isWindowFunction, takesFrame } from '../../registry/aggregates.ts';
import { type SqlFragment, joinSql, sqlFor } from '../../tag/fragment.ts';
import { literal } from '../../tag/literal.ts';
import type { CheckedFrom, CheckedQuery, CheckedSelect, CheckedSlot, CheckedValue, RowOrder, SortKey } from '../../query/checked.ts';
import { type ValidatedQuery, treeOf } from '../../query/validated-query.ts';
import { castForms } from '../cast-forms.ts';
import { printExpression } from '../print-expression.ts';
import { type ExprDialect, typeIn } from '../types.ts';
import { type QueryDialect, queryDialects, windowName } from './query-dialects.ts';

/** @property now instant of the run, UTC, spelled `2026-01-31 13:45:00`: what now() and current_date tell */
export interface QueryRun { readonly now: string }
const MOST_BYTES = 4_000_000;

/** Prints a checked query in a dialect: names of the schema, names of our own making, functions of the registry, types and literals, and nothing else.
 * @throws Refusal `SQL_NO_FORM` where the dialect has none, `SQL_LIMIT`; SqlSafetyError for what was not checked */
export function printQuery<D extends ExprDialect>(dialect: D, query: ValidatedQuery, run: QueryRun): SqlFragment<D> {
  const tree = treeOf(query);
  if (!/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(run.now)) throw new SqlSafetyError('SQL_VALUE_INVALID', 'an instant is spelled 2026-01-31 13:45:00');
  const forms: QueryDialect<D> | undefined = queryDialects[dialect];
  if (!forms) throw new Refusal('SQL_NO_FORM', `Queries are not printed for ${dialect}`);
  return new QueryPrinter(dialect, forms, run).query(tree);
}

class QueryPrinter<D extends ExprDialect> {
  private readonly dialect: D;
  private readonly forms: QueryDialect<D>;
  private readonly run: QueryRun;
  private readonly sql: ReturnType<typeof sqlFor<D>>;
  private printed = 0;
  constructor(dialect: D, forms: QueryDialect<D>, run: QueryRun) {
    this.dialect = dialect;
    this.forms = forms;
    this.run = run;
    this.sql = sqlFor(dialect);
  }

  query(query: CheckedQuery): SqlFragment<D> {
    const { sql } = this;
    const ctes = query.ctes.map(({ name, query: inner }) => sql`${identifier(name)} AS (${this.query(inner)})`);
    const begin = ctes.length ? sql`WITH ${joinSql(ctes, sql`, `)} ` : sql``;
    return sql`${begin}${query.body.k === 'select' ? this.select(query, query.body) : this.setOperation(query)}`;
  }
  private list(parts: readonly SqlFragment<D>[]): SqlFragment<D> { return joinSql(parts, this.sql`, `); }
  private type(type: ColumnType): SqlFragment<D> { return typeIn(this.dialect, type); }

  private setOperation({ body, order, outputs, ...query }: CheckedQuery): SqlFragment<D> {
    const { sql } = this;
    if (body.k !== 'set') throw new SqlSafetyError('SQL_NOT_MINTED', 'a set operation is expected');
    const op = body.op === 'union' ? sql`UNION` : body.op === 'except' ? sql`EXCEPT` : sql`INTERSECT`;
    // A side may have an order and a WITH of its own, and no engine takes parentheses everywhere.
    const side = (inner: CheckedQuery): SqlFragment<D> => sql`SELECT ${this.list(inner.outputs.map(({ name }, index) => sql`side.${identifier(name)} AS ${identifier(outputs[index]!.name)}`))} FROM (${this.query(inner)}) AS side`;
    const rows = sql`${side(body.left)} ${op}${body.all ? sql` ALL` : sql``} ${side(body.right)}`;
    const names = outputs.map(({ name }) => name);
    return order.length || query.limit !== null || query.offset !== null ? sql`${this.from(rows, names)}${this.orders(order, (at) => sql`part.${identifier(names[at]!)}`)}${this.limit(query)}` : rows;
  }
  private from(rows: SqlFragment<D>, names: readonly string[]): SqlFragment<D> { return this.sql`SELECT ${this.list(names.map((name) => this.sql`part.${identifier(name)} AS ${identifier(name)}`))} FROM (${rows}) AS part`; }

  /** QUALIFY, DISTINCT ON and an order behind DISTINCT have no form that every engine knows: the rows are numbered or marked inside, and chosen around. */
  private select(query: CheckedQuery, body: CheckedSelect): SqlFragment<D> {
    const { sql } = this;
    const { order, outputs } = query;
    const items = body.items.map((item, index) => this.coerced(this.value(item), { from: item.type, to: query.casts[index] ?? null }));
    if (!body.qualify && !body.distinctOn.length && !(body.distinct && order.length)) {
      const columns = this.list(items.map((item, index) => sql`${item} AS ${identifier(outputs[index]!.name)}`));
      return sql`SELECT ${body.distinct ? sql`DISTINCT ` : sql``}${columns}${this.behind(body)}${this.orders(order, (at) => this.value(body.items[at]!))}${this.limit(query)}`;
    }
    return this.wrapped(query, body, items);
  }
  private wrapped(query: CheckedQuery, body: CheckedSelect, items: readonly SqlFragment<D>[]): SqlFragment<D> {
    const { sql } = this;
    const { order, outputs } = query;
    const hidden = order.map(({ by }, index) => ('value' in by ? { name: `o${index}`, value: this.value(by.value) } : null));
    const extra = hidden.flatMap((each) => (each ? [sql`${each.value} AS ${identifier(each.name)}`] : []));
    if (body.qualify && body.distinctOn.length) throw new Refusal('SQL_NO_FORM', 'DISTINCT ON chooses among the rows that QUALIFY lets through; put one of them into a query around the other');
    const isMarked = body.qualify !== null || body.distinctOn.length > 0;
    const mark = body.qualify ? [sql`${this.value(body.qualify)} AS keep`] : [];
    const first = body.distinctOn.length ? [sql`row_number() OVER (PARTITION BY ${this.list(body.distinctOn.map((key) => this.value(key)))}${this.orders(order, (at) => this.value(body.items[at]!))}) AS nth`] : [];
    const once = body.distinct && !isMarked ? sql`DISTINCT ` : sql``;
    const rows = sql`SELECT ${once}${this.list([...items.map((item, index) => sql`${item} AS ${identifier(`i${index}`)}`), ...extra, ...mark, ...first])}${this.behind(body)}`;
    const chosen = joinSql([...(body.qualify ? [sql`part.keep`] : []), ...(first.length ? [sql`part.nth = 1`] : [])], sql` AND `);
    const columns = this.list(items.map((_, index) => sql`part.${identifier(`i${index}`)} AS ${identifier(outputs[index]!.name)}`));
    const again = body.distinct && isMarked;
    if (again && order.length) throw new Refusal('SQL_NO_FORM', 'DISTINCT with QUALIFY has no order of its own; order around it');
    const ordered = this.orders(order, (at) => sql`part.${identifier(`i${at}`)}`, (at) => sql`part.${identifier(`o${at}`)}`);
    return sql`SELECT ${again ? sql`DISTINCT ` : sql``}${columns} FROM (${rows}) AS part${isMarked ? sql` WHERE ${chosen}` : sql``}${ordered}${this.limit(query)}`;
  }
  private coerced(value: SqlFragment<D>, { from, to }: { readonly from: ColumnType; readonly to: ColumnType | null }): SqlFragment<D> {
    return to === null ? value : castForms[this.dialect]({ value, from, to, onError: 'fail', format: undefined, column: null });
  }

  private behind({ from, where, presences, keys, sets, having }: CheckedSelect): SqlFragment<D> {
    const { sql } = this;
    const there = presences.map(({ neg, from: other, on }) => sql`${neg ? sql`NOT ` : sql``}EXISTS (SELECT 1 FROM ${this.relation(other)} WHERE ${this.value(on)})`);
    const conditions = [...there, ...(where ? [this.value(where)] : [])];
    const plain = this.list(keys.map((key) => this.value(key)));
    const grouped = sets.length ? sql` GROUP BY GROUPING SETS (${this.list(sets.map((set) => sql`(${this.list(set.map((at) => this.value(keys[at]!)))})`))})` : keys.length ? sql` GROUP BY ${plain}` : sql``;
    return sql`${from ? sql` FROM ${this.relation(from)}` : sql``}${conditions.length ? sql` WHERE ${joinSql(conditions, sql` AND `)}` : sql``}${grouped}${having ? sql` HAVING ${this.value(having)}` : sql``}`;
  }
  private relation(from: CheckedFrom): SqlFragment<D> {
    const { sql } = this;
    switch (from.k) {
      case 'table': return sql`${identifier(...from.parts)} AS ${identifier(from.alias)}`;
      case 'cte': return sql`${identifier(from.name)} AS ${identifier(from.alias)}`;
      case 'query': return sql`(${this.query(from.query)}) AS ${identifier(from.alias)}`;
      case 'values': return sql`(VALUES ${this.list(from.rows.map((row) => sql`(${this.list(row.map((cell) => this.value(cell)))})`))}) AS ${identifier(from.alias)}(${this.list(from.names.map((name) => sql`${identifier(name)}`))})`;
      case 'join': return this.join(from);
    }
  }
  private join({ kind, left, right, on }: Extract<CheckedFrom, { k: 'join' }>): SqlFragment<D> {
    const { sql } = this;
    const word = { inner: sql`INNER JOIN`, left: sql`LEFT JOIN`, right: sql`RIGHT JOIN`, full: sql`FULL JOIN`, cross: sql`CROSS JOIN` }[kind];
    const other = right.k === 'join' ? sql`(${this.relation(right)})` : this.relation(right);
    return sql`${this.relation(left)} ${word} ${other}${on ? sql` ON ${this.value(on)}` : sql``}`;
  }

  /** @param output a column of the result by its place
   * @param beside a value beside the result by the place of its key, where it is a column of a query inside */
  private orders(order: readonly RowOrder[], output: (at: number) => SqlFragment<D>, beside?: (at: number) => SqlFragment<D>): SqlFragment<D> {
    const { sql } = this;
    if (!order.length) return sql``;
    const keys = order.map(({ by, dir, nulls, type }, index) => {
      const value = 'output' in by ? output(by.output) : beside ? beside(index) : this.value(by.value);
      return this.directed(this.forms.sorted(value, type), { dir, nulls });
    });
    return sql` ORDER BY ${this.list(keys)}`;
  }
  private directed(value: SqlFragment<D>, { dir, nulls }: Pick<SortKey, 'dir' | 'nulls'>): SqlFragment<D> {
    const { sql } = this;
    return sql`${value} ${dir === 'asc' ? sql`ASC` : sql`DESC`} NULLS ${nulls === 'first' ? sql`FIRST` : sql`LAST`}`;
  }
  private keys(order: readonly SortKey[]): SqlFragment<D> { return this.list(order.map(({ e, ...key }) => this.directed(this.forms.sorted(this.value(e), e.type), key))); }
  private limit({ limit, offset }: Pick<CheckedQuery, 'limit' | 'offset'>): SqlFragment<D> {
    const { sql, dialect } = this;
    return sql`${limit === null ? sql`` : sql` LIMIT ${literal(dialect, limit)}`}${offset === null ? sql`` : sql` OFFSET ${literal(dialect, offset)}`}`;
  }

  private value({ value, slots }: CheckedValue): SqlFragment<D> {
    this.printed += 1;
    if (this.printed > MOST_BYTES / 100) throw new Refusal('SQL_LIMIT', 'The query is too large');
    return printExpression(this.dialect, value, (name) => this.slot(slots[Number(name.slice(1))]));
  }
  private slot(slot: CheckedSlot | undefined): SqlFragment<D> {
    const { sql } = this;
    switch (slot?.k) {
      case 'column': return sql`${identifier(slot.alias, slot.name)}`;
      case 'value': return sql`(${this.value(slot.value)})`;
      case 'aggregate': return this.aggregate(slot);
      case 'window': return this.window(slot);
      case 'scalar': return sql`(${this.query(slot.query)})`;
      case 'exists': return sql`EXISTS (${this.query(slot.query)})`;
      case 'in': return sql`(${this.value(slot.e)} IN (${this.query(slot.query)}))`;
      case 'grouping': return sql`CAST(grouping(${this.value(slot.of)}) AS ${this.type(slot.type)})`;
      case 'clock': return sql`CAST(${literal(this.dialect, slot.is === 'date' ? this.run.now.slice(0, 10) : this.run.now)} AS ${this.type(slot.type)})`;
      case undefined: throw new SqlSafetyError('SQL_NOT_MINTED', 'a column that stands for nothing');
    }
  }
  private aggregate({ fn, args, distinct, order, where, type }: Extract<CheckedSlot, { k: 'aggregate' }>): SqlFragment<D> {
    const form = this.forms.aggregate({ fn, args: args.map((arg) => this.value(arg)), types: args.map((arg) => arg.type), distinct, order: order.length ? this.keys(order) : null, filter: where && this.value(where), over: null });
    return this.sql`CAST(${form} AS ${this.type(type)})`;
  }
  private window({ fn, args, partition, order, frame, where, type }: Extract<CheckedSlot, { k: 'window' }>): SqlFragment<D> {
    const { sql } = this;
    const by = partition.length ? [sql`PARTITION BY ${this.list(partition.map((key) => this.value(key)))}`] : [];
    const sorted = order.length ? [sql`ORDER BY ${this.keys(order)}`] : [];
    const rows = takesFrame(fn) && frame ? [this.frame(frame)] : [];
    const over = sql` OVER (${joinSql([...by, ...sorted, ...rows], sql` `)})`;
    const printed = args.map((arg, index) => (isCount(fn, index) ? sql`CAST(${this.value(arg)} AS ${this.type({ kind: 'i32' })})` : this.value(arg)));
    const form = isWindowFunction(fn) ? sql`${windowName(this.dialect, fn)}(${this.list(printed)})${over}`
      : this.forms.aggregate({ fn, args: printed, types: args.map((arg) => arg.type), distinct: false, order: null, filter: where && this.value(where), over });
    return sql`CAST(${form} AS ${this.type(type)})`;
  }
  private frame({ unit, from, to }: QueryFrame): SqlFragment<D> {
    const { sql } = this;
    return sql`${unit === 'rows' ? sql`ROWS` : sql`RANGE`} BETWEEN ${this.bound(from)} AND ${this.bound(to)}`;
  }
  private bound({ at, n }: FrameBound): SqlFragment<D> {
    const { sql } = this;
    switch (at) {
      case 'unbounded preceding': return sql`UNBOUNDED PRECEDING`;
      case 'preceding': return sql`${literal(this.dialect, n ?? 0)} PRECEDING`;
      case 'current row': return sql`CURRENT ROW`;
      case 'following': return sql`${literal(this.dialect, n ?? 0)} FOLLOWING`;
      case 'unbounded following': return sql`UNBOUNDED FOLLOWING`;
    }
  }
}
/** Places and offsets are integers where other numbers are bigint. */
const isCount = (fn: string, index: number): boolean => (fn === 'ntile' && index === 0) || (index === 1 && (fn === 'lag' || fn === 'lead' || fn === 'nth_value'));
