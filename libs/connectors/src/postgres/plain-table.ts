import { compile, sqlFor } from '@agent-etl/sql-safety';
import type { Publishing } from './publishing.ts';
import { quoted } from './relation-name.ts';

const sql = sqlFor('postgres');

/** Whether staging can take the table's place: an ordinary table with exactly the staged columns in their order and no more than the same primary key. What else may hang
 * on a table would be lost, or would keep it from being dropped. */
export async function isPlain({ session, relation, stagingTable }: Publishing): Promise<boolean> {
  const [found] = await session.run<{ plain: boolean }>(compile(sql`
    WITH t AS (SELECT * FROM pg_class WHERE oid = to_regclass(${quoted(relation)})), s AS (SELECT * FROM pg_class WHERE oid = to_regclass(${quoted({ schema: '_etl', table: stagingTable })})),
      shape AS (SELECT a.attrelid, json_agg(json_build_array(a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attcollation, a.attstorage, coalesce(nullif(a.attstattarget, -1), 0), a.attoptions) ORDER BY a.attnum)::text AS columns
        FROM pg_attribute a WHERE a.attrelid IN (SELECT oid FROM t UNION SELECT oid FROM s) AND a.attnum > 0 AND NOT a.attisdropped GROUP BY 1),
      key AS (SELECT i.indrelid, pg_get_constraintdef(k.oid) AS def FROM pg_index i JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype = 'p' WHERE i.indrelid IN (SELECT oid FROM t UNION SELECT oid FROM s))
    SELECT t.relkind = 'r' AND NOT t.relispartition AND NOT t.relhassubclass AND NOT t.relhastriggers AND NOT t.relrowsecurity AND NOT t.relforcerowsecurity AND t.reloptions IS NULL
      AND t.relacl IS NULL AND s.relacl IS NULL AND t.relowner = s.relowner AND t.relpersistence = s.relpersistence AND t.reltablespace = s.reltablespace AND t.relam = s.relam AND t.relreplident = 'd' AND t.reloftype = 0
      AND (SELECT columns FROM shape WHERE attrelid = t.oid) = (SELECT columns FROM shape WHERE attrelid = s.oid) AND (SELECT def FROM key WHERE indrelid = t.oid) IS NOT DISTINCT FROM (SELECT def FROM key WHERE indrelid = s.oid)
      AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = t.oid AND (NOT i.indisprimary OR i.indisclustered OR x.reloptions IS NOT NULL OR x.reltablespace <> t.reltablespace))
      AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = t.oid)
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE (k.conrelid = t.oid OR k.confrelid = t.oid) AND k.contype IN ('f', 'c', 'u', 'x')) AND NOT EXISTS (SELECT FROM pg_publication_rel p WHERE p.prrelid = t.oid)
      AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid) AND NOT EXISTS (SELECT FROM pg_statistic_ext x WHERE x.stxrelid = t.oid)
      AND NOT EXISTS (SELECT FROM pg_seclabel l WHERE l.objoid = t.oid AND l.classoid = 'pg_class'::regclass)
      AND NOT EXISTS (SELECT FROM pg_description d WHERE (d.objoid = t.oid AND d.classoid = 'pg_class'::regclass) OR (d.classoid = 'pg_constraint'::regclass AND d.objoid IN (SELECT oid FROM pg_constraint WHERE conrelid = t.oid)))
      AND NOT EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = t.oid)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass))
      AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S' WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid)
      AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_type y ON y.oid = t.reltype WHERE d.refclassid = 'pg_type'::regclass AND d.refobjid IN (y.oid, y.typarray) AND d.deptype = 'n')
      AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND (a.atthasdef OR a.attidentity <> '' OR a.attacl IS NOT NULL)) AS plain FROM t, s`));
  return found?.plain ?? false;
}
