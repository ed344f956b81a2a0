import type { QueryFrom } from '@agent-etl/contracts';
import { Refusal } from '../../refusal.ts';
import { lowerValue } from './lower-value.ts';
import { decided, relationDecisions } from './node-decisions.ts';
import type { Reading } from './reading.ts';
import { type Json, type Tree, isTree, listed, offsetOf, onlyKeys, textsOf } from './tree.ts';

const KINDS: Readonly<Record<string, Extract<QueryFrom, { k: 'join' }>['kind']>> = { INNER: 'inner', LEFT: 'left', RIGHT: 'right', OUTER: 'full', FULL: 'full', SEMI: 'semi', ANTI: 'anti' };
const MOST_DEEP = 64;
const nameOf = (value: Json | undefined): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** A relation of FROM.
 * @throws Refusal */
export function lowerFrom(node: Json | undefined, reading: Reading, depth = 0): QueryFrom {
  if (!isTree(node) || depth > MOST_DEEP) throw new Refusal(depth > MOST_DEEP ? 'SQL_TOO_DEEP' : 'SQL_NODE', 'This FROM is not supported');
  decided(relationDecisions, node);
  switch (node['type']) {
    case 'BASE_TABLE': return table(node);
    case 'SUBQUERY': {
      const { alias, subquery, column_name_alias: columns } = onlyKeys(node, { read: ['alias', 'subquery', 'column_name_alias'], plain: { sample: null } });
      return { k: 'query', query: reading.query(subquery), as: nameOf(alias), columns: textsOf(columns) };
    }
    case 'EXPRESSION_LIST': return rows(node, reading);
    case 'JOIN': return join(node, reading, depth);
    default: throw new Refusal('SQL_NODE', 'FROM needs a relation', offsetOf(node));
  }
}
function table(node: Tree): QueryFrom {
  const { alias, catalog_name: catalog, schema_name: schema, table_name: name, column_name_alias: columns } = onlyKeys(node, { read: ['alias', 'catalog_name', 'schema_name', 'table_name', 'column_name_alias'], plain: { sample: null, at_clause: null } });
  const parts = [catalog, schema, name].map(nameOf).filter((part) => part !== null);
  if (nameOf(name) === null) throw new Refusal('SQL_RELATION', 'A relation needs a name', offsetOf(node));
  const at = offsetOf(node);
  return { k: 'table', name: parts, as: nameOf(alias), columns: textsOf(columns), ...(at === null ? {} : { at }) };
}
function rows(node: Tree, reading: Reading): QueryFrom {
  const { alias, expected_names: names, values } = onlyKeys(node, { read: ['alias', 'expected_names', 'values'], plain: { sample: null, expected_types: [] } });
  return { k: 'values', rows: listed(values).map((row) => listed(row).map((cell) => lowerValue(cell, reading))), as: nameOf(alias), columns: textsOf(names) };
}
function join(node: Tree, reading: Reading, depth: number): QueryFrom {
  const { left, right, condition, join_type: type, ref_type: ref, using_columns: using } = onlyKeys(node, { read: ['left', 'right', 'condition', 'join_type', 'ref_type', 'using_columns'], plain: { alias: '', sample: null, delim_flipped: false, duplicate_eliminated_columns: [] } });
  const kind = typeof type === 'string' && Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  if (!kind || (ref !== 'REGULAR' && ref !== 'CROSS' && ref !== 'NATURAL')) throw new Refusal('SQL_NODE', `${ref === 'ASOF' ? 'An ASOF' : ref === 'POSITIONAL' ? 'A POSITIONAL' : 'This'} join is not supported`, offsetOf(node));
  const [l, r] = [lowerFrom(left, reading, depth + 1), lowerFrom(right, reading, depth + 1)];
  const on = condition === null ? null : lowerValue(condition, reading);
  return { k: 'join', kind: ref === 'CROSS' ? 'cross' : kind, left: l, right: r, on, using: textsOf(using), natural: ref === 'NATURAL' };
}
