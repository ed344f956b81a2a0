import { EtlError } from '@agent-etl/contracts';
import { STATE_RELEASE } from './release.ts';
import type { SchemaVerdict } from './schema-rules.ts';

/** Says by name why a release cannot run on a schema; does nothing for one that it can.
 * @throws EtlError `state.newer`, `state.half-migrated`, `state.older` */
export function requireCurrent(schema: string, verdict: SchemaVerdict): void {
  requireMigratable(schema, verdict);
  if (verdict.state === 'older') throw new EtlError('state.older', { schema, names: verdict.missing.join(', ') });
}

/** As `requireCurrent`, for who is about to migrate: a schema that is only older is what it is there for. @throws EtlError */
export function requireMigratable(schema: string, verdict: SchemaVerdict): void {
  if (verdict.state === 'newer') throw new EtlError('state.newer', { schema, found: verdict.found ?? 'that this one does not know', own: STATE_RELEASE, names: verdict.names.join(', ') });
  if (verdict.state === 'half') throw new EtlError('state.half-migrated', { schema, later: verdict.later, names: verdict.missing.join(', ') });
}
