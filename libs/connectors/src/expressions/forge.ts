import { type ColumnType, type Expr, type Measure, type Query, type QueryBody, type QueryItem, type QueryUse, type QueryValue, type WindowColumn, aggregateFunctions, stepKinds, windowFunctions } from '@agent-etl/contracts';
import { type ExprDialect, type Fused, type InputColumns, type LoweredStep, checkExpression, checked, fuseSteps, pivotStep, sampleStep } from '@agent-etl/sql-safety';
import { Seeded } from './seeded.ts';

/** Kinds of steps that look at one dataset alone. */
export const ownKinds = stepKinds.filter((kind) => kind !== 'join' && kind !== 'lookup' && kind !== 'union');
export type OwnKind = (typeof ownKinds)[number];

type Kind = ColumnType['kind'];
const literals: Readonly<Partial<Record<Kind, readonly (string | null)[]>>> = {
  i32: ['0', '1', '-1', '7', '2147483647', null], i64: ['0', '3', '-9223372036854775808', '9007199254740993'], dec: ['0.00', '1.25', '-99.99', '0.01'], f64: ['0', '1.5', '-2.25', '1e10'],
  time: ['00:00', '12:34:56.5', '23:59:59.999999', null], bytes: ['\\x', '\\x61', '\\xff00', null],
  text: ['', 'a', 'Straße', "o'clock", '50%_!', '2001-02-29', ' 12 ', '12.5', null], bool: ['true', 'false', null], date: ['2000-02-29', '1999-12-31', null], ts: ['2001-03-04 05:06:07.890123', '1970-01-01 00:00:00'], tstz: ['2001-03-04 05:06:07.890123+02:00', '1970-01-01', '2024-02-29T12:00Z', null],
};
const decimalType: ColumnType = { kind: 'dec', precision: 12, scale: 2 };
const typeOf = (kind: Kind): ColumnType => (kind === 'dec' ? decimalType : { kind });
const kinds: readonly Kind[] = ['i32', 'i64', 'dec', 'f64', 'text', 'bool', 'date', 'ts', 'tstz', 'time', 'bytes'];
const lit = (kind: Kind, v: string | null): Expr => ({ k: 'lit', t: typeOf(kind), v });
const whole = (v: number): Expr => lit('i32', String(v));

/** Where the key of forged masks lies. */
export const FORGED_KEY = 'secret://forge#key';
/** An expression over columns as a value of a query. */
function over(expr: Expr): QueryValue {
  const uses: QueryUse[] = [];
  const moved = JSON.parse(JSON.stringify(expr), (_, held: unknown) => {
    const node = Object(held) as { k?: unknown; name?: unknown };
    if (node.k !== 'col' || typeof node.name !== 'string') return held;
    uses.push({ k: 'column', rel: null, name: node.name });
    return { k: 'col', name: `$${uses.length - 1}` };
  }) as Expr;
  return { expr: moved, uses };
}
/** Random expressions of every kind of node and function, typed on the whole; what the checker refuses is thrown away. Equal seeds give equal expressions. */
export class Forge extends Seeded {
  private readonly input: InputColumns;
  private readonly having: { readonly dialect?: ExprDialect };
  /** @param dialect engine that has a form for every step of a chain; any when left out */
  constructor(seed: number, input: InputColumns, dialect?: ExprDialect) { super(seed); this.input = input; this.having = dialect ? { dialect } : {}; }

  /** An expression that the checker takes. */
  next(): ReturnType<typeof checkExpression> {
    for (;;) {
      const expr = this.make(this.pick(kinds), 3);
      const answer = checked('/', () => checkExpression(expr, { input: this.input }));
      if (answer.ok) return answer.value;
    }
  }

  /** A chain of one to five steps of some kinds that the checker takes, and what it comes to. */
  chain(some: readonly OwnKind[] = ownKinds): { readonly fused: Fused; readonly kinds: readonly string[] } {
    for (;;) {
      const wanted = 1 + Math.floor(this.random() * 5);
      const steps: LoweredStep[] = [];
      const kinds: string[] = [];
      let columns = this.input;
      while (steps.length < wanted) {
        const forge = new Forge(Math.floor(this.random() * 2 ** 32), columns);
        const kind = this.pick(some);
        const next = forge.accepted(kind, (step) => fuseSteps([...steps, ...step], this.input, this.having));
        if (!next) continue;
        steps.push(...next.step);
        kinds.push(kind);
        columns = new Map(next.fused.columns.map(({ name, type }) => [name, type]));
      }
      return { fused: fuseSteps(steps, this.input, this.having), kinds };
    }
  }
  /** A step of a kind that the checker takes, or null: kinds that are refused more often would be seen less. */
  private accepted(kind: OwnKind, fuse: (step: readonly LoweredStep[]) => Fused): { readonly step: readonly LoweredStep[]; readonly fused: Fused } | null {
    for (let attempt = 0; attempt < 30; attempt += 1) {
      const step = this.step(kind);
      const next = checked('/', () => fuse(step));
      if (next.ok) return { step, fused: next.value };
    }
    return null;
  }
  /** A step, sometimes two that belong together; the checker may refuse it. */
  step(kind: OwnKind = this.pick(ownKinds)): LoweredStep[] {
    const names = [...this.input.keys()];
    const some = (): string[] => { const chosen = names.filter(() => this.random() < 0.6); return chosen.length ? chosen : [this.pick(names)]; };
    const order = () => [{ e: { k: 'col', name: this.pick(names) } as const, dir: this.pick(['asc', 'desc'] as const), nulls: this.pick(['first', 'last'] as const) }];
    const column = (): string => `x${Math.floor(this.random() * 1e6)}`;
    const n = Math.floor(this.random() * 6);
    const fields = () => [0, 1].map(() => ({ as: column(), path: this.pick([[], ['a'], ['b'], ['c', 1], ['c', 3, 'd'], [2], ['e']]), to: typeOf(this.pick(['text', 'i64', 'f64', 'dec', 'bool', 'date'])), onError: this.pick(['fail', 'null', 'null'] as const) }));
    const made: Readonly<Record<OwnKind, () => LoweredStep | LoweredStep[]>> = {
      filter: () => ({ op: 'filter', where: this.make('bool', 2) }), derive: () => ({ op: 'derive', columns: [{ as: this.random() < 0.3 ? this.pick(names) : column(), expr: this.make(this.pick(kinds), 2) }] }),
      select: () => ({ op: 'select', columns: some() }), drop: () => ({ op: 'drop', columns: [this.pick(names)] }), rename: () => ({ op: 'rename', names: new Map([[this.pick(names), column()]]) }),
      cast: () => ({ op: 'cast', column: this.pick(names), to: typeOf(this.pick(kinds)), onError: 'null' }),
      aggregate: () => ({ op: 'group', by: some().slice(0, 2), measures: [0, 1].map((): Measure => { const fn = this.pick(aggregateFunctions); return { as: column(), fn, arg: fn === 'count' && this.random() < 0.5 ? null : this.make(this.pick(kinds), 1), where: this.random() < 0.3 ? this.make('bool', 1) : null }; }) }),
      dedupe: () => ({ op: 'first', keys: some().slice(0, 2), order: order() }), limit: () => ({ op: 'limit', order: order(), n, offset: Math.floor(this.random() * 2) }), sort: () => [{ op: 'sort', order: order() }, { op: 'limit', order: [], n, offset: 0 }],
      flatten: () => ({ op: 'flatten', column: this.document(), fields: fields(), empty: this.pick(['keep', 'drop'] as const) }), json: () => ({ op: 'json', column: this.document(), fields: fields() }),
      mask: () => (this.random() < 0.3 ? { op: 'mask', column: this.pick(names), method: 'fixed', value: this.pick(['x', '7', '2001-01-01', 'true']) } : { op: 'mask', column: this.pick(names), method: this.pick(['null', 'last4', 'sha256'] as const), value: null }),
      tokenize: () => ({ op: 'mask', column: this.pick(names), ...this.pick([{ method: 'hmac', value: null }, { method: 'token', value: 'person' }] as const), key: FORGED_KEY }), query: () => ({ op: 'query', query: this.query(), relations: [] }),
      pivot: () => pivotStep({ by: some().slice(0, 2), key: this.pick(names), values: this.some([1, -7, 2.5, 'a', true, null, '2000-01-01']).map((value) => ({ value, as: column() })), fn: this.pick(aggregateFunctions), arg: this.make(this.pick(kinds), 1) }),
      sample: () => sampleStep({ key: some().slice(0, 3), fraction: this.pick([0.1, 0.5, 1]), seed: n }),
      unpivot: () => ({ op: 'unpivot', columns: some().slice(0, 3), keep: this.random() < 0.5 ? null : some(), nameTo: column(), valueTo: column(), nulls: this.pick(['keep', 'drop'] as const) }),
      window: () => ({ op: 'window', partition: this.random() < 0.3 ? [] : some().slice(0, 2), order: this.random() < 0.1 ? [] : order(), columns: [0, 1].map(() => this.around(column())) }),
    };
    return [made[kind]()].flat();
  }
  /** A SELECT over the input: of rows, of groups, or of the first of an order that leaves rows equal. */
  private query(): Query {
    const kind = this.pick(['rows', 'rows', 'groups', 'ranked', 'first'] as const);
    const item = (value: QueryValue): QueryItem => ({ k: 'value', value, as: `q${Math.floor(this.random() * 1e6)}` });
    const column = (): QueryValue => over({ k: 'col', name: this.pick([...this.input.keys()]) });
    const use = (of: QueryUse): QueryValue => ({ expr: { k: 'col', name: '$0' }, uses: [of] });
    const order = () => [{ e: column(), dir: this.pick(['asc', 'desc'] as const), nulls: this.pick(['first', 'last'] as const) }];
    const keys = [column()];
    const around = { args: [], partition: [column()], order: order(), frame: null, where: null };
    const own: Readonly<Record<typeof kind, () => QueryItem[]>> = {
      rows: () => [item(column()), item(over(this.make(this.pick(kinds), 2)))], first: () => [item(column()), item(column())], ranked: () => [item(column()), item(use({ k: 'window', fn: this.pick(['row_number', 'rank']), ...around })), item(use({ k: 'window', fn: 'lag', ...around, args: [column()] }))],
      groups: () => [item(keys[0]!), item(use({ k: 'aggregate', fn: this.pick(['count', 'min', 'max', 'sum']), args: [column()], distinct: this.random() < 0.3, order: [], where: null }))],
    };
    const body: QueryBody = { k: 'select', distinct: kind === 'rows' && this.random() < 0.3, distinctOn: kind === 'first' && this.random() < 0.5 ? [column()] : [], items: own[kind](), from: { k: 'table', name: ['input'], as: null, columns: [] },
      where: this.random() < 0.4 ? over(this.make('bool', 1)) : null, group: kind === 'groups' ? { by: keys, sets: [], all: false } : null, having: null, qualify: null };
    const isFirst = kind === 'first' && !body.distinctOn.length;
    return { ctes: [], body, order: isFirst ? order() : [], limit: isFirst ? 1 + Math.floor(this.random() * 5) : null, offset: null };
  }
  private document(): string { return this.pick([...this.input].filter(([, { kind }]) => kind === 'json').map(([name]) => name).concat(this.random() < 0.1 ? [...this.input.keys()] : [])) ?? 'none'; }
  private around(as: string): WindowColumn {
    const fn = this.pick(windowFunctions);
    const isRank = ['row_number', 'rank', 'dense_rank'].includes(fn);
    const isNeighbour = fn === 'lag' || fn === 'lead';
    return { as, fn, arg: isRank || (fn === 'count' && this.random() < 0.5) ? null : this.make(this.pick(kinds), 1), offset: isNeighbour ? 1 + Math.floor(this.random() * 2) : null,
      frame: isRank || isNeighbour ? null : { before: this.pick([null, 0, 2]), after: this.pick(['none', 'all'] as const) } };
  }
  private some<T>(values: readonly T[]): readonly T[] { const chosen = values.filter(() => this.random() < 0.4); return chosen.length ? chosen : [this.pick(values)]; }

  private make(kind: Kind, depth: number): Expr {
    if (depth === 0 || this.random() < 0.15) return this.leaf(kind);
    const go = (other: Kind = kind): Expr => this.make(other, depth - 1);
    const common: (() => Expr)[] = [
      () => ({ k: 'case', whens: [{ when: go('bool'), then: go() }], else: go() }), () => ({ k: 'call', fn: 'coalesce', args: [go(), go()] }), () => ({ k: 'call', fn: 'if', args: [go('bool'), go(), go()] }),
      () => ({ k: 'call', fn: 'nullif', args: [go(), go()] }), () => ({ k: 'cast', e: go(this.pick(kinds)), to: typeOf(kind), onError: this.pick(['fail', 'null', 'null'] as const) }),
    ];
    return this.pick([...common, ...this.own(kind, go)])();
  }
  private leaf(kind: Kind): Expr {
    const columns = [...this.input].filter(([, type]) => type.kind === kind).map(([name]): Expr => ({ k: 'col', name }));
    return columns.length && this.random() < 0.7 ? this.pick(columns) : lit(kind, this.pick(literals[kind] ?? [null]));
  }

  private own(kind: Kind, go: (other?: Kind) => Expr): (() => Expr)[] {
    const call = (fn: string, ...args: Expr[]): Expr => ({ k: 'call', fn, args });
    const number = (): Kind => this.pick(['i32', 'i64', 'dec', 'f64']);
    switch (kind) {
      case 'bool': { const other = this.pick(kinds); return [
        () => ({ k: 'bin', op: this.pick(['=', '<>', '<', '<=', '>', '>=', 'same', 'differs']), l: go(other), r: go(other) }), () => ({ k: 'bin', op: this.pick(['=', '<', '>=']), l: go(number()), r: go(number()) }),
        () => ({ k: this.pick(['and', 'or'] as const), es: [go(), go()] }), () => ({ k: 'not', e: go() }), () => ({ k: 'isNull', e: go(other), neg: this.random() < 0.5 }),
        () => ({ k: 'between', e: go(other), lo: go(other), hi: go(other), neg: this.random() < 0.5 }), () => ({ k: 'in', e: go(other), es: [go(other), go(other)], neg: this.random() < 0.5 }),
        () => ({ k: 'like', e: go('text'), pattern: this.pick(['%a%', '_!%%', 'S%', '']), ci: this.random() < 0.5, neg: this.random() < 0.5 }), () => call(this.pick(['starts_with', 'ends_with', 'contains']), go('text'), go('text')), () => call('regexp_like', go('text'), lit('text', this.pick(['^[a-z]+$', '[0-9]{1,2}$', '^S', "o'c", '[^a-z]'])))]; }
      case 'text': return [() => ({ k: 'bin', op: '||', l: go(), r: go() }), () => call(this.pick(['lower', 'upper', 'trim', 'ltrim', 'rtrim', 'md5', 'sha256']), go()), () => call('replace', go(), lit('text', 'a'), go()),
        () => call('substring', go(), whole(1 + Math.floor(this.random() * 4)), whole(Math.floor(this.random() * 4))), () => call(this.pick(['left', 'right']), go(), whole(2)), () => call(this.pick(['lpad', 'rpad']), go(), whole(5), lit('text', 'xy')),
        () => call('split_part', go(), lit('text', 'a'), whole(1)), () => call(this.pick(['greatest', 'least']), go(), go()), () => call('concat', go(), go())];
      case 'i32': case 'i64': return [() => ({ k: 'bin', op: this.pick(['+', '-', '*', '//', '%']), l: go(), r: go() }), () => ({ k: 'neg', e: go() }), () => call('abs', go()), () => call(this.pick(['greatest', 'least']), go(), go()),
        ...(kind === 'i64' ? [() => call('length', go('text')), () => call('position', go('text'), go('text')), () => call(this.pick(['floor', 'ceil', 'sign']), go(number())), () => call(this.pick(['year', 'quarter', 'month', 'day']), go(this.pick(['date', 'ts']))),
          () => call('date_part', lit('text', this.pick(['hour', 'minute', 'second', 'isodow', 'doy', 'week', 'isoyear'])), go('ts')), () => call('diff_days', go('date'), go('date'))] : [])];
      case 'dec': return [() => ({ k: 'bin', op: this.pick(['+', '-', '*']), l: go(this.pick(['dec', 'i32'])), r: go() }), () => call('round', go(), whole(this.pick([0, 1, 2]))), () => ({ k: 'neg', e: go() }), () => call('abs', go())];
      case 'f64': return [() => ({ k: 'bin', op: this.pick(['+', '-', '/']), l: go(number()), r: go(number()) }), () => ({ k: 'neg', e: go() }), () => call('abs', go()), () => call('sqrt', go(number()))];
      case 'date': return [() => call('date_trunc', lit('text', this.pick(['year', 'quarter', 'month', 'week', 'day'])), go()), () => call('make_date', whole(this.pick([1, 1999, 2024])), whole(2), whole(28)), () => call(this.pick(['greatest', 'least']), go(), go())];
      case 'ts': return [() => call('date_trunc', lit('text', this.pick(['year', 'month', 'week', 'day', 'hour', 'minute', 'second'])), go()), () => call(this.pick(['greatest', 'least']), go(), go())];
      case 'tstz': case 'time': case 'bytes': return [() => call(this.pick(['greatest', 'least']), go(), go())];
      default: return [];
    }
  }
}
