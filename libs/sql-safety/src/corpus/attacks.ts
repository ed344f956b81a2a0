import type { Schema } from '../query/policy.ts';
import { allureOf, exoticOf, readersOf, resourcesOf, writesOf } from './attack-words.ts';

/** What the attacks may read: one relation, with a column that the policy forbids. Everything else is forbidden: `secret`, `private.vault`, catalogues, files, the environment, the clock of the engine. */
export const ATTACKED: Schema = [
  { parts: ['public', 't'], columns: [{ name: 'id', type: { kind: 'i64' } }, { name: 'n', type: { kind: 'i32' } }, { name: 's', type: { kind: 'text' } }, { name: 'd', type: { kind: 'date' } }, { name: 'salary', type: { kind: 'i64' }, denied: true }] },
  { parts: ['public', 'u'], columns: [{ name: 'id', type: { kind: 'i64' } }, { name: 'name', type: { kind: 'text' } }] },
];
/** @property of class of the attack, as section 1 of the design names them
 * @property isExpression whether it is a condition for a step, beside a query */
export interface Attack { readonly of: string; readonly text: string; readonly isExpression?: boolean }

/** Places where something that is called or read can stand. */
const CALL_PLACES: readonly ((call: string) => string)[] = [
  (x) => `SELECT ${x} FROM t`, (x) => `SELECT id FROM t WHERE ${x} IS NOT NULL`, (x) => `SELECT id FROM t ORDER BY ${x}`, (x) => `SELECT count(*) FROM t GROUP BY ${x}`, (x) => `SELECT id FROM t WHERE id = 1 OR CAST(${x} AS VARCHAR) LIKE 'C%'`,
  (x) => `SELECT (SELECT ${x}) FROM t`, (x) => `WITH a AS (SELECT ${x} AS v) SELECT v FROM a`, (x) => `SELECT id FROM t UNION ALL SELECT ${x}`, (x) => `SELECT max(${x}) OVER (ORDER BY id) FROM t`, (x) => `SELECT t.id FROM t JOIN u ON ${x} = u.name`,
  (x) => `SELECT CASE WHEN n > 0 THEN ${x} ELSE s END FROM t`, (x) => `SELECT coalesce(${x}, s) FROM t`, (x) => `SELECT count(*) FILTER (WHERE ${x} IS NOT NULL) FROM t`, (x) => `SELECT * FROM (VALUES (${x})) v(a)`,
];
const RELATION_PLACES: readonly ((relation: string) => string)[] = [
  (r) => `SELECT * FROM ${r}`, (r) => `SELECT t.id FROM t, ${r}`, (r) => `SELECT t.id FROM t LEFT JOIN ${r} x ON true`, (r) => `SELECT id FROM t WHERE EXISTS (SELECT 1 FROM ${r})`, (r) => `SELECT id FROM t WHERE s IN (SELECT s FROM ${r})`,
  (r) => `SELECT (SELECT count(*) FROM ${r}) FROM t`, (r) => `WITH a AS (SELECT * FROM ${r}) SELECT * FROM a`, (r) => `SELECT s FROM t UNION SELECT s FROM ${r}`, (r) => `SELECT id FROM t ORDER BY (SELECT max(s) FROM ${r})`, (r) => `SELECT count(*) FROM t HAVING count(*) > (SELECT count(*) FROM ${r})`,
];
const HIDDEN_RELATIONS = ['secret', 'public.secret', '"secret"', 'SECRET', 'private.vault', '"private"."vault"', 'other.public.t', 'private.t', 'memory.main.secret', '(SELECT s FROM secret) z', '(TABLE secret) z', '(VALUES (1)) z CROSS JOIN secret'];

const of = (name: string, texts: readonly string[]): Attack[] => texts.map((text) => ({ of: name, text }));
const TAILS = ['SELECT s FROM secret', 'DROP TABLE t', 'INSERT INTO t SELECT 1', 'COPY secret TO \'/tmp/x\'', 'SELECT pg_sleep(10)'];
const COMMENTS: readonly ((hidden: string) => string)[] = [
  (h) => `SELECT id -- c\r, ${h} FROM t`, (h) => `SELECT id /* */, ${h} /* */ FROM t`, (h) => `SELECT id /* /* */ , ${h} -- */ FROM t`, (h) => `SELECT id /*!50000, ${h} */ FROM t`, (h) => `SELECT id --\u2028, ${h} FROM t`, (h) => `SELECT id --\u0085, ${h} FROM t`, (h) => `SELECT id # c\n, ${h} FROM t`,
  (h) => `SELECT id -- \n, ${h}\n-- \nFROM t`, (h) => `SELECT id /**/,/**/${h}/**/FROM/**/t`, (h) => `SELECT/*/**/*/id,${h}/**/FROM t`, (h) => `SELECT id --\u000b, ${h} FROM t`, (h) => `SELECT id --\u000c, ${h} FROM t`, (h) => `SELECT id, ${h} --`, (h) => `SELECT id FROM t -- */ UNION SELECT ${h}`,
  (h) => `SELECT id FROM t /* */ UNION ALL SELECT ${h} -- */`, (h) => `SELECT id FROM t;--\nSELECT ${h}`, (h) => `SELECT id FROM t WHERE s = '--' OR ${h} = '/*'`,
];
const HIDDEN_VALUES = ['(SELECT max(s) FROM secret)', '(SELECT s FROM private.vault LIMIT 1)', 'salary', 't.salary', 'pg_read_file(\'/etc/passwd\')', 'getenv(\'CANARY\')', '(SELECT 1 FROM pg_shadow)', 'current_setting(\'data_directory\')'];
const QUOTES = [
  'SELECT id AS \u2019, (SELECT max(s) FROM secret) AS \u2019 FROM t', 'SELECT id FROM t WHERE s = \u2018x\u2019 OR \u2018a\u2019 = (SELECT s FROM secret)', 'SELECT id FROM t WHERE s = E\'\\\' OR 1=(SELECT count(*) FROM secret) --\'', 'SELECT id FROM t WHERE s = \'\\\' OR (SELECT count(*) FROM secret) > 0 --\'',
  'SELECT id FROM t WHERE s = $$x$$ OR s = (SELECT s FROM secret)', 'SELECT id FROM t WHERE s = $a$x$a$ UNION SELECT 1 FROM secret', 'SELECT id FROM t WHERE s = U&\'\\0027\' OR s IN (SELECT s FROM secret)', 'SELECT U&"\\0073alary" FROM t', 'SELECT "sal\u200Bary" FROM t', 'SELECT "\u0455alary" FROM t',
  'SELECT id FROM "secret" AS "t"', 'SELECT id FROM t AS "t"" UNION SELECT s FROM secret --"', 'SELECT id AS "a"", (SELECT s FROM secret) AS ""b" FROM t JOIN secret ON true', 'SELECT [id], (SELECT s FROM secret) FROM t', 'SELECT `id`, (SELECT s FROM secret) FROM t', 'SELECT \'a\' \'b\', (SELECT s FROM secret)',
  'SELECT id FROM t WHERE s = N\'x\' OR EXISTS(SELECT * FROM secret)', 'SELECT x\'27\' || (SELECT s FROM secret)', 'SELECT B\'1\', s FROM secret', 'SELECT id FROM t WHERE s = \'a\'\'; DROP TABLE t; --\' AND s IN (SELECT s FROM secret)', 'SELECT \'${env:CANARY}\', salary FROM t', 'SELECT "${env:CANARY}" FROM t', 'SELECT \'\u0000\', s FROM secret', 'SELECT \'\ud800\', s FROM secret',
];
const SHADOWS = [
  'WITH a AS (SELECT * FROM secret), secret AS (SELECT 1 AS s) SELECT * FROM a', 'WITH secret AS (SELECT * FROM secret) SELECT * FROM secret', 'SELECT * FROM (WITH secret AS (SELECT 1 AS s) SELECT * FROM secret) a, secret', 'WITH t AS (SELECT * FROM t) SELECT salary FROM t', 'WITH x AS (WITH secret AS (SELECT 1 AS s) SELECT s FROM secret) SELECT s FROM x, secret',
  'SELECT (WITH secret AS (SELECT \'a\' AS s) SELECT max(s) FROM secret), (SELECT max(s) FROM secret)', 'WITH secret(s) AS (SELECT id FROM t) SELECT s FROM public.secret', 'WITH a AS (SELECT 1 AS s), a AS (SELECT s FROM secret) SELECT * FROM a', 'WITH "Secret" AS (SELECT 1 AS s) SELECT * FROM private."Secret"', 'WITH a AS (SELECT b.s FROM b), b AS (SELECT s FROM t) SELECT * FROM a',
  'WITH a AS (SELECT * FROM t) SELECT a.salary FROM a', 'SELECT x.salary FROM (SELECT * FROM t) x', 'SELECT t2.* FROM t AS t2', 'SELECT salary AS id FROM t', 'SELECT id FROM t ORDER BY salary', 'SELECT id FROM t GROUP BY id HAVING max(salary) > 0', 'SELECT count(*) FILTER (WHERE salary > 100) FROM t', 'SELECT id FROM t JOIN u USING (id) WHERE salary > 1', 'SELECT a.id FROM t a JOIN t b USING (salary)', 'SELECT id FROM t NATURAL JOIN (SELECT 1 AS salary) z',
  'SELECT t FROM t', 'SELECT row(t.*) FROM t', 'SELECT (t).salary FROM t', 'SELECT to_json(t) FROM t', 'SELECT count(DISTINCT t) FROM t', 'SELECT t::text FROM t', 'SELECT COLUMNS(\'sal.*\') FROM t', 'SELECT * FROM t', 'SELECT * EXCLUDE (id) FROM t', 'SELECT UNNEST(t) FROM t', 'SELECT t.t FROM t',
];

/** Every attack of our own making, in one order. */
export function attacks(): Attack[] {
  const calls = readersOf().flatMap((call) => CALL_PLACES.map((place) => place(call)));
  const relations = [...HIDDEN_RELATIONS].flatMap((relation) => RELATION_PLACES.map((place) => place(relation)));
  const lures = allureOf().flatMap((relation) => RELATION_PLACES.slice(0, 7).map((place) => place(relation)));
  return [
    ...of('comments', COMMENTS.flatMap((place) => HIDDEN_VALUES.map(place))), ...of('quotes', QUOTES), ...of('scopes and columns', SHADOWS), ...of('relations', relations), ...of('files and catalogues', lures), ...of('functions', calls),
    ...of('stacked', TAILS.flatMap((tail) => ['; ', ';', ';;', ' ;\n', '; BEGIN; ', '\\; ', '\\g '].map((join) => `SELECT id FROM t${join}${tail}`))), ...of('writes', writesOf()), ...of('other syntax', exoticOf()), ...of('resources', resourcesOf()),
    ...readersOf().filter((_, index) => index % 2 === 0).map((call): Attack => ({ of: 'conditions', text: `n = 1 OR ${call} = 'x'`, isExpression: true })),
    ...HIDDEN_VALUES.flatMap((hidden) => [`n = 1 OR ${hidden} IS NOT NULL`, `n = 1) OR (${hidden} IS NOT NULL`, `n IN (${hidden})`, `EXISTS (SELECT 1 WHERE ${hidden} IS NOT NULL)`, `n = 1 UNION SELECT ${hidden}`, `n = 1 -- \r OR ${hidden} IS NULL`].map((text): Attack => ({ of: 'conditions', text, isExpression: true }))),
  ];
}
/** A payload that others wrote for the end of a value, spliced into the places where one of ours could stand. */
export const spliced = (payload: string): Attack[] => [
  { of: 'sqlmap', text: `SELECT id FROM t WHERE id = 1 ${payload}` }, { of: 'sqlmap', text: `SELECT id FROM t WHERE s = 'x' ${payload}` }, { of: 'sqlmap', text: `SELECT id FROM t WHERE s = 'x' ${payload} ORDER BY id` }, { of: 'sqlmap', text: `SELECT id, ${payload.trim().replace(/^(?:AND|OR)\s+/i, '')} FROM t` },
  { of: 'sqlmap', text: `n = 1 ${payload}`, isExpression: true }, { of: 'sqlmap', text: `s = 'x' ${payload}`, isExpression: true },
];
