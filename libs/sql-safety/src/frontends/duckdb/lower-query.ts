import type { Query, QueryBody, QueryCte, QueryFrom, QueryGroup, QueryItem, QueryValue } from '@agent-etl/contracts';
import { Refusal } from '../../refusal.ts';
import type { ForeignDialect } from './foreign-dialect.ts';
import { lowerFrom } from './lower-from.ts';
import { lowerValue, orderOf } from './lower-value.ts';
import { decided, modifierDecisions, queryDecisions } from './node-decisions.ts';
import type { Reading } from './reading.ts';
import { type Json, type Tree, Spelled, isList, isTree, listed, losslessJson, offsetOf, onlyKeys, placeOf, textsOf } from './tree.ts';

/** How deep queries stand in queries. */
const MOST_NESTED = 24;

/** Lowers what DuckDB's serialiser says of `queryText` to a query. Every key of every node is read: what is unknown is refused by name.
 * @param tree JSON text of `json_serialize_sql`
 * @param written text as it was given, and its dialect
 * @throws Refusal */
export function lowerQuery(tree: string, written: { readonly text: string; readonly dialect: ForeignDialect }): Query {
  const root = losslessJson(tree);
  if (!isTree(root)) throw new Refusal('SQL_SYNTAX', 'The parser gave no answer');
  if (root['error'] === true) throw misread(root, written.dialect);
  const statements = root['statements'];
  const [statement] = isList(statements) ? statements : [];
  if (!isList(statements) || statements.length !== 1) throw new Refusal('SQL_NOT_ONE_SELECT', 'One SELECT is expected');
  const saysThousandths = /\(\s*18\s*,\s*3\s*\)/.test(written.text);
  const saysSimilar = /\bsimilar\s+to\b/i.test(written.text);
  if (written.dialect !== 'duckdb' && /\b(?:var)?char(?:acter)?(?:\s+varying)?\s*\(/i.test(written.text)) throw new Refusal('SQL_TYPE', 'A text type with a length is not supported: use text, and left(x, n) where it is to be cut');
  return new QueryReader({ dialect: written.dialect, saysThousandths, saysSimilar }, 0).query(statement);
}
function misread({ error_type: type, position }: Tree, dialect: ForeignDialect): Refusal {
  const at = typeof position === 'string' ? placeOf(position) : null;
  if (type === 'not implemented') return new Refusal('SQL_NOT_ONE_SELECT', 'Only SELECT is read: nothing that writes, sets or shows', at);
  return new Refusal('SQL_SYNTAX', `This is not understood${dialect === 'duckdb' ? '' : `; the reader knows the SQL that ${dialect} shares with others`}`, at);
}

class QueryReader {
  private readonly how: Omit<Reading, 'query'>;
  private readonly depth: number;
  constructor(how: Omit<Reading, 'query'>, depth: number) {
    if (depth > MOST_NESTED) throw new Refusal('SQL_TOO_DEEP', `Queries are nested more than ${MOST_NESTED} deep`);
    this.how = how;
    this.depth = depth;
  }
  private get reading(): Reading { return { ...this.how, query: (node) => new QueryReader(this.how, this.depth + 1).query(node) }; }

  /** @param statement `{node, named_param_map}`, as statements, sub-queries and CTEs have it */
  query(statement: Json | undefined): Query {
    if (!isTree(statement)) throw new Refusal('SQL_NODE', 'Something here is not supported');
    const { node, named_param_map: params } = onlyKeys(statement, { read: ['node', 'named_param_map'], plain: {} });
    if (!isList(params) || params.length) throw new Refusal('SQL_NODE', 'A parameter is not supported: write the value');
    return this.node(node);
  }
  private node(node: Json | undefined): Query {
    if (!isTree(node)) throw new Refusal('SQL_NODE', 'Something here is not supported');
    decided(queryDecisions, node);
    if (node['type'] === 'SET_OPERATION_NODE') return this.setOperation(node);
    const body = this.select(node);
    return { ctes: this.ctes(node['cte_map']), ...this.modified(node['modifiers'], body) };
  }
  private setOperation(node: Tree): Query {
    const { modifiers, cte_map: ctes, setop_type: type, setop_all: all, left, right } = onlyKeys(node, { read: ['modifiers', 'cte_map', 'setop_type', 'setop_all', 'left', 'right'], plain: {} });
    const op = type === 'UNION' ? 'union' : type === 'EXCEPT' ? 'except' : type === 'INTERSECT' ? 'intersect' : null;
    if (!op || typeof all !== 'boolean') throw new Refusal('SQL_NODE', 'This set operation is not supported: UNION, EXCEPT and INTERSECT are');
    const nested = new QueryReader(this.how, this.depth + 1);
    const body: QueryBody = { k: 'set', op, all, left: nested.node(left), right: nested.node(right) };
    return { ctes: this.ctes(ctes), ...this.modified(modifiers, body) };
  }

  private ctes(map: Json | undefined): QueryCte[] {
    const { map: entries } = isTree(map) ? onlyKeys(map, { read: ['map'], plain: {} }) : {};
    return listed(entries).map((entry) => {
      const { key, value } = onlyKeys(isTree(entry) ? entry : {}, { read: ['key', 'value'], plain: {} });
      const { aliases, query } = onlyKeys(isTree(value) ? value : {}, { read: ['aliases', 'query', 'materialized'], plain: { key_targets: [] } });
      if (typeof key !== 'string') throw new Refusal('SQL_KEY', 'The parser said less than expected');
      return { name: key, columns: textsOf(aliases), query: this.reading.query(query) };
    });
  }

  private select(node: Tree): Extract<QueryBody, { k: 'select' }> {
    const keys = onlyKeys(node, { read: ['modifiers', 'cte_map', 'select_list', 'from_table', 'where_clause', 'group_expressions', 'group_sets', 'aggregate_handling', 'having', 'qualify'], plain: { sample: null } });
    const value = (child: Json | undefined): QueryValue | null => (child === null ? null : lowerValue(child, this.reading));
    return {
      k: 'select', distinct: false, distinctOn: [], items: listed(keys['select_list']).map((item) => this.item(item)), from: this.from(keys['from_table']),
      where: value(keys['where_clause']), group: this.group(keys), having: value(keys['having']), qualify: value(keys['qualify']),
    };
  }
  private from(node: Json | undefined): QueryFrom | null { return isTree(node) && node['type'] === 'EMPTY' ? null : lowerFrom(node, this.reading); }
  private item(item: Json): QueryItem {
    if (!isTree(item)) throw new Refusal('SQL_NODE', 'Something here is not supported');
    if (item['class'] === 'STAR') return this.star(item);
    const { alias } = item;
    return { k: 'value', value: lowerValue({ ...item, alias: '' }, this.reading), as: typeof alias === 'string' && alias !== '' ? alias : null };
  }
  private star(item: Tree): QueryItem {
    const { relation_name: rel, exclude_list: except, replace_list: replaced } = onlyKeys(item, { read: ['relation_name', 'exclude_list', 'replace_list'], plain: { alias: '', columns: false, expr: null, qualified_exclude_list: [], rename_list: [] } });
    const replace = listed(replaced).map((each) => {
      const { key, value } = onlyKeys(isTree(each) ? each : {}, { read: ['key', 'value'], plain: {} });
      if (typeof key !== 'string') throw new Refusal('SQL_KEY', 'The parser said less than expected');
      return { name: key, value: lowerValue(isTree(value) ? { ...value, alias: '' } : value, this.reading) };
    });
    return { k: 'star', rel: typeof rel === 'string' && rel !== '' ? rel : null, except: textsOf(except), replace };
  }
  private group({ group_expressions: by, group_sets: sets, aggregate_handling: handling }: Tree): QueryGroup | null {
    const keys = listed(by).map((key) => lowerValue(key, this.reading));
    if (handling !== 'STANDARD_HANDLING' && handling !== 'FORCE_AGGREGATES') throw new Refusal('SQL_KEY', 'This grouping is not supported');
    const all = handling === 'FORCE_AGGREGATES';
    const places = listed(sets).map((set) => listed(set).map((at) => (at instanceof Spelled ? Number(at.text) : -1)));
    if (places.flat().some((at) => !Number.isInteger(at) || at < 0 || at >= keys.length)) throw new Refusal('SQL_KEY', 'This grouping is not supported');
    return keys.length || all || places.length ? { by: keys, sets: places, all } : null;
  }

  /** What stands behind a query: DISTINCT, ORDER BY and LIMIT, each once. */
  private modified(modifiers: Json | undefined, body: QueryBody): Omit<Query, 'ctes'> {
    const query: Omit<Query, 'ctes'> = { body, order: [], limit: null, offset: null };
    for (const modifier of listed(modifiers)) {
      if (!isTree(modifier)) throw new Refusal('SQL_NODE', 'Something here is not supported');
      decided(modifierDecisions, modifier);
      if (modifier['type'] === 'ORDER_MODIFIER') query.order = listed(onlyKeys(modifier, { read: ['orders'], plain: {} })['orders']).map((order) => orderOf(order, this.reading));
      else if (modifier['type'] === 'LIMIT_MODIFIER') Object.assign(query, limitOf(modifier));
      else this.distinct(modifier, body);
    }
    return query;
  }
  private distinct(modifier: Tree, body: QueryBody): void {
    const { distinct_on_targets: targets } = onlyKeys(modifier, { read: ['distinct_on_targets'], plain: {} });
    if (body.k !== 'select') throw new Refusal('SQL_NODE', 'DISTINCT of a set operation is not supported');
    body.distinctOn = listed(targets).map((target) => lowerValue(target, this.reading));
    body.distinct = body.distinctOn.length === 0;
  }
}
function limitOf(modifier: Tree): Pick<Query, 'limit' | 'offset'> {
  const { limit, offset } = onlyKeys(modifier, { read: ['limit', 'offset'], plain: {} });
  return { limit: countOf(limit), offset: countOf(offset) };
}
function countOf(node: Json | undefined): number | null {
  if (node === null || node === undefined) return null;
  const value = isTree(node) && node['class'] === 'CONSTANT' && isTree(node['value']) ? node['value'] : null;
  if (value?.['is_null'] === true) return null;
  const count = value?.['value'];
  const isWhole = isTree(value?.['type']) && (value['type']['id'] === 'INTEGER' || value['type']['id'] === 'BIGINT');
  if (!(count instanceof Spelled) || !isWhole || !/^\d{1,9}$/.test(count.text)) throw new Refusal('SQL_LITERAL', 'LIMIT and OFFSET are whole numbers up to 999,999,999, written out', isTree(node) ? offsetOf(node) : null);
  return Number(count.text);
}
