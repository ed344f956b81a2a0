import type { ColumnType, Expr } from '@agent-etl/contracts';
import { LEAST_SHOWN, STARS } from '../check/mask-rules.ts';
import { constantAs } from '../check/literal-rules.ts';
import { type SqlFragment, sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import { duckForms, postgresForms } from './call-forms.ts';
import { Refusal } from '../refusal.ts';
import { type KeyPlaces, keyPlaces } from './key-settings.ts';
import { printConstant } from './print-constant.ts';
import { type ExprDialect, typeIn } from './types.ts';

/** @property hmac RFC 2104 over SHA-256 of a text, in hex; null where a key would have to stand in a plan */
interface Texts<D extends ExprDialect> { readonly hmac: ((value: SqlFragment<D>, key: KeyPlaces) => SqlFragment<D>) | null; readonly sha256: (value: SqlFragment<D>) => SqlFragment<D>; readonly length: (value: SqlFragment<D>) => SqlFragment<D>; readonly last4: (value: SqlFragment<D>) => SqlFragment<D> }
const d = sqlFor('duckdb');
const p = sqlFor('postgres');
const s = sqlFor('spark');
/** A variable that is not set is NULL here, and a mask of NULL would look like a value that is not there. */
const duckPad = (name: string) => d`unhex(coalesce(CAST(getvariable(${literal('duckdb', name)}) AS VARCHAR), error('The key of a mask is not set')))`;
function duckHmac(value: SqlFragment<'duckdb'>, { inner, outer }: KeyPlaces): SqlFragment<'duckdb'> {
  return d`system.main.sha256(${duckPad(outer)} || unhex(system.main.sha256(${duckPad(inner)} || encode(${value}))))`;
}
/** Read once for a statement, not once for a row. A setting that is not there is an error; one that ended with an earlier transaction is empty, and is made one. */
function postgresPad(name: string): SqlFragment<'postgres'> {
  const hex = p`pg_catalog.current_setting(${literal('postgres', name)})`;
  return p`(SELECT pg_catalog.decode(CASE WHEN pg_catalog.char_length(${hex}) = 128 THEN ${hex} ELSE 'the key of a mask is not set' END, 'hex'))`;
}
function postgresHmac(value: SqlFragment<'postgres'>, { inner, outer }: KeyPlaces): SqlFragment<'postgres'> {
  return p`pg_catalog.encode(pg_catalog.sha256(${postgresPad(outer)} || pg_catalog.sha256(${postgresPad(inner)} || pg_catalog.convert_to(${value}, 'UTF8'))), 'hex')`;
}
const texts: { readonly [D in ExprDialect]: Texts<D> } = {
  duckdb: { hmac: duckHmac, sha256: duckForms.sha256, length: duckForms.length, last4: (value) => duckForms.right(value, d`4`) },
  postgres: { hmac: postgresHmac, sha256: postgresForms.sha256, length: postgresForms.length, last4: (value) => postgresForms.right(value, p`4`) },
  spark: { hmac: null, sha256: (value) => s`sha2(${value}, 256)`, length: (value) => s`char_length(${value})`, last4: (value) => s`right(${value}, 4)` },
};

/** Tokens are told from values at a glance. */
const TOKEN = 'tok_';
const left32 = <D extends ExprDialect>(dialect: D, value: SqlFragment<D>): SqlFragment<D> => (dialect === 'postgres' ? sqlFor(dialect)`pg_catalog.left(${value}, 32)` : sqlFor(dialect)`left(${value}, 32)`);
/** A masked value in a dialect. `e` is what is masked, printed; two of the methods do not even read it. */
export function printMask<D extends ExprDialect>(dialect: D, { method, v, key }: Extract<Expr, { k: 'mask' }>, { e, type }: { readonly e: () => SqlFragment<D>; readonly type: ColumnType }): SqlFragment<D> {
  const sql = sqlFor(dialect);
  const { sha256, length, last4, hmac } = texts[dialect];
  const keyed = (value: SqlFragment<D>): SqlFragment<D> => {
    if (!hmac) throw new Refusal('SQL_NO_FORM', `A mask with a key is not available on ${dialect}, which would show the key in its plans; leave engine out`);
    return hmac(value, keyPlaces(key ?? ''));
  };
  switch (method) {
    case 'null': return sql`CAST(NULL AS ${typeIn(dialect, type)})`;
    case 'fixed': return printConstant(dialect, { t: type, v: constantAs(v ?? '', type) });
    case 'sha256': return sha256(e());
    case 'hmac': return keyed(e());
    // The scope ends where the text begins: no scope holds a colon.
    case 'token': return sql`${literal(dialect, TOKEN)} || ${left32(dialect, keyed(sql`${literal(dialect, `${v ?? ''}:`)} || ${e()}`))}`;
    case 'last4': return sql`CASE WHEN ${e()} IS NULL THEN CAST(NULL AS ${typeIn(dialect, type)}) WHEN ${length(e())} >= ${literal(dialect, LEAST_SHOWN)} THEN ${literal(dialect, STARS)} || ${last4(e())} ELSE ${literal(dialect, STARS)} END`;
  }
}
