import { Column, ConnectionName, Pipeline, Profile, type ColumnType } from '@agent-etl/contracts';
import type { CopyInput, MapColumn } from './decide.ts';

const column = (name: string, kind: ColumnType['kind'], more: { native: string; nullable?: 'nullable' }): Column =>
  Column.parse({ name, type: { kind }, native: more.native, nullable: more.nullable === 'nullable' });
const noDependents = { views: 0, foreignKeys: 0, policies: 0, grants: 0 };

/** Columns of the flights table of the demo. */
export const flightColumns = (): Column[] => [
  column('flight_id', 'i64', { native: 'bigint' }), column('departed_at', 'ts', { native: 'timestamp without time zone' }), column('delay_min', 'i32', { native: 'integer' }),
  column('distance_mi', 'i32', { native: 'integer' }), column('origin', 'text', { native: 'text' }), column('destination', 'text', { native: 'text' }),
  column('updated_at', 'tstz', { native: 'timestamp with time zone' })];

/** A profile of a Postgres table: the demo's flights, unless told otherwise. */
export const aProfile = (more: Partial<Profile> = {}): Profile => Profile.parse({
  connection: 'ops', dataset: 'public.flights', connector: 'postgres', system: 'PostgreSQL 18.4', exists: true, columns: flightColumns(), primaryKey: ['flight_id'], uniqueKeys: [],
  indexes: [['flight_id'], ['updated_at', 'flight_id']], rows: 2_984_094, rowsExact: false, bytes: 195_002_368, pages: 23_804, walLevel: 'replica', dependents: noDependents,
  columnStats: {}, options: {}, fingerprint: 'a'.repeat(64), ...more });
/** A profile of a table that is not there yet. */
export const aMissingTarget = (more: Partial<Profile> = {}): Profile => aProfile({
  connection: ConnectionName.parse('warehouse'), dataset: 'mart.flights', exists: false, columns: [], primaryKey: null, indexes: [], rows: 0, rowsExact: true, bytes: 0, pages: null, fingerprint: 'b'.repeat(64), ...more });
export const aPipeline = (more: Partial<Pipeline> = {}): Pipeline => Pipeline.parse({
  version: 1, name: 'flights_to_warehouse', from: { connection: 'ops', dataset: 'public.flights' }, to: { connection: 'warehouse', dataset: 'mart.flights' }, ...more });

/** Types that a target of tests has: everything but what only an engine knows. */
export const mapForTests: MapColumn = (_, { type, native }) => (type.kind === 'other' ? null : { native });
export const aCopyInput = (more: Partial<CopyInput> = {}): CopyInput => ({ pipeline: aPipeline(), source: aProfile(), target: aMissingTarget(), policy: {}, mapColumn: mapForTests, ...more });
