import type { ColumnType, Expr, Profile, Stage } from '@agent-etl/contracts';

/** What a stage has to hold at once before it can give its first row.
 * @property rows at most that many
 * @property width bytes of one of them as an engine holds it
 * @property bytes rows x width */
export interface HeldState { readonly op: Stage['op']; readonly rows: number; readonly width: number; readonly bytes: number }

const WIDTHS: Readonly<Partial<Record<ColumnType['kind'], number>>> = { bool: 1, i16: 2, i32: 4, i64: 8, f32: 4, f64: 8, dec: 16, date: 4, time: 8, ts: 8, tstz: 8, uuid: 16 };
/** Of a text: what an engine keeps of it beside its characters. */
const LEAST_TEXT = 16;
/** Hash, place and validity of a row in a table of an engine. */
const ROW_OVERHEAD = 16;
const COUNT = 8;

interface Seen { readonly width: number; readonly distinct: number | null }
interface Rows { readonly rows: number; readonly columns: ReadonlyMap<string, Seen> }
type Dataset = Pick<Profile, 'rows' | 'bytes' | 'columns' | 'columnStats'>;

/** Bytes of a row that its numbers do not account for are shared by its texts. */
function rowsOf({ rows, bytes, columns, columnStats }: Dataset): Rows {
  const fixed = columns.reduce((sum, { type: { kind } }) => sum + (WIDTHS[kind] ?? 0), 0);
  const texts = columns.filter(({ type: { kind } }) => WIDTHS[kind] === undefined).length;
  const text = Math.max(LEAST_TEXT, rows && texts ? Math.round((bytes / rows - fixed) / texts) : 0);
  return { rows, columns: new Map(columns.map(({ name, type: { kind } }) => [name, { width: WIDTHS[kind] ?? text, distinct: columnStats[name]?.distinct ?? null }])) };
}
const widthOf = (columns: Rows['columns'], names: Iterable<string> = columns.keys()): number => [...names].reduce((sum, name) => sum + (columns.get(name)?.width ?? LEAST_TEXT), ROW_OVERHEAD);
const made = (width: number): Seen => ({ width, distinct: null });
function valueOf(expr: Expr, columns: Rows['columns']): Seen {
  if (expr.k === 'col') return columns.get(expr.name) ?? made(LEAST_TEXT);
  if (expr.k === 'cast') return made(WIDTHS[expr.to.kind] ?? LEAST_TEXT);
  return made(expr.k === 'lit' ? WIDTHS[expr.t.kind] ?? LEAST_TEXT : LEAST_TEXT);
}
/** As many as there are combinations of keys, where statistics know them. */
function groupsOf(keys: readonly string[], { rows, columns }: Rows): number {
  const counts = keys.map((key) => columns.get(key)?.distinct ?? null);
  return Math.min(rows, counts.reduce<number>((product, count) => (count === null ? Number.POSITIVE_INFINITY : product * Math.max(1, count + 1)), 1));
}

type Next = Rows & { readonly held?: readonly { readonly rows: number; readonly width: number }[] };
/** Rows behind a stage, and what it holds. Where nobody knows how many rows come out, it is as many as go in. */
function behind(stage: Stage, before: Rows, others: readonly Rows[]): Next {
  const { rows, columns } = before;
  const everything = { rows, width: widthOf(columns) };
  switch (stage.op) {
    case 'rows': return { rows, columns: new Map(stage.columns.map(({ name, expr }) => [name, valueOf(expr, columns)])) };
    case 'group': {
      const groups = groupsOf(stage.by, before);
      const after = new Map<string, Seen>([...stage.by.map((name): [string, Seen] => [name, columns.get(name) ?? made(LEAST_TEXT)]), ...stage.measures.map(({ as }): [string, Seen] => [as, made(LEAST_TEXT)])]);
      return { rows: groups, columns: after, held: [{ rows: groups, width: widthOf(after) }] };
    }
    case 'first': return { rows: groupsOf(stage.keys, before), columns, held: [everything] };
    case 'limit': { const kept = Math.min(rows, stage.n + stage.offset); return { rows: Math.min(rows, stage.n), columns, held: [{ rows: kept, width: everything.width }] }; }
    case 'window': return { rows, columns: new Map([...columns, ...stage.columns.map(({ as }): [string, Seen] => [as, made(LEAST_TEXT)])]), held: [everything] };
    case 'flatten': return { rows, columns: new Map([...columns, [stage.as, made(LEAST_TEXT)]]) };
    case 'unpivot': return { rows: rows * stage.columns.length, columns: new Map([...stage.keep.map((name): [string, Seen] => [name, columns.get(name) ?? made(LEAST_TEXT)]), [stage.nameTo, made(LEAST_TEXT)], [stage.valueTo, made(LEAST_TEXT)]]) };
    case 'join': return joined(stage, before, others[stage.input]);
    case 'union': return united(stage, before, others);
    case 'query': return queried(stage, before, others);
  }
}
/** The other dataset lies in a table by its keys; the statement that counts what a join does holds the keys of both sides. */
function joined({ kind, on, take, prefer = [] }: Extract<Stage, { op: 'join' }>, { rows, columns }: Rows, other: Rows = { rows: 0, columns: new Map() }): Next {
  const used = new Set([...on.map(({ right }) => right), ...take.map(({ column }) => column), ...prefer.flatMap(({ e }) => (e.k === 'col' ? [e.name] : []))]);
  const after = new Map([...columns, ...take.map(({ column, as }): [string, Seen] => [as, other.columns.get(column) ?? made(LEAST_TEXT)])]);
  const held = [{ rows: other.rows, width: widthOf(other.columns, used) }, { rows: rows + other.rows, width: widthOf(columns, on.map(({ left }) => left)) + COUNT }];
  return { rows: kind === 'full' ? rows + other.rows : kind === 'right' ? Math.max(rows, other.rows) : rows, columns: after, held };
}
function united({ inputs, distinct }: Extract<Stage, { op: 'union' }>, before: Rows, others: readonly Rows[]): Next {
  const parts = [before, ...inputs.flatMap((index) => others[index] ?? [])];
  const columns = new Map(parts.toReversed().flatMap((part) => [...part.columns]).map(([name, { width }]) => [name, made(width)]));
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  return { rows, columns, ...(distinct ? { held: [{ rows, width: widthOf(columns) }] } : {}) };
}

/** What a SELECT groups, sorts or joins is not looked into: it may hold every row that it reads. */
function queried({ columns, relations }: Extract<Stage, { op: 'query' }>, before: Rows, others: readonly Rows[]): Next {
  const read = [{ rows: before.rows, width: widthOf(before.columns) }, ...relations.map(({ input, columns: used }) => ({ rows: others[input]?.rows ?? 0, width: widthOf(others[input]?.columns ?? new Map(), used) }))];
  const rows = Math.max(...read.map((each) => each.rows));
  return { rows, columns: new Map(columns.map(({ name, type: { kind } }) => [name, made(WIDTHS[kind] ?? LEAST_TEXT)])), held: read };
}

/** The most that one of some stages has to hold, as profiles let one say: an upper bound, since nobody knows what filters leave. Null where rows go through one by one.
 * @param after how many of the stages the source computes itself: what they hold, it holds */
export function heldStateOf(stages: readonly Stage[], { source, others, after = 0 }: { readonly source: Dataset; readonly others: readonly Dataset[]; readonly after?: number | undefined }): HeldState | null {
  const beside = others.map(rowsOf);
  let rows: Rows = rowsOf(source);
  let most: HeldState | null = null;
  for (const [index, stage] of stages.entries()) {
    const next: Next = behind(stage, rows, beside);
    for (const { rows: count, width } of index < after ? [] : next.held ?? []) if (!most || count * width > most.bytes) most = { op: stage.op, rows: count, width, bytes: count * width };
    rows = next;
  }
  return most;
}
