import { EtlError, type Pipeline, type Profile, type StepEngine } from '@agent-etl/contracts';

/** The engine beside a source: it computes steps in the statement that reads. */
export const besideOf = ({ connector }: Pick<Profile, 'connector'>): StepEngine => (connector === 'postgres' ? 'postgres' : 'duckdb');
/** Where rows are handed to the engine child. Absent: the engine of the source reaches all inputs. */
export type Reaching = 'at-the-first-join' | 'at-once' | undefined;
/** One PostgreSQL connection is one statement under one picture. Anything else meets in DuckDB; what cannot compute steps hands its rows over as they are. */
export function handsOffOf({ connector, connection }: Pick<Profile, 'connector' | 'connection'>, others: readonly Pick<Profile, 'connection'>[]): Reaching {
  if (!others.length || (connector === 'postgres' && others.every((other) => other.connection === connection))) return undefined;
  return connector === 'postgres' || connector === 'file' ? 'at-the-first-join' : 'at-once';
}

/** Sources that are staged for Spark. */
const STAGED: readonly string[] = ['postgres', 'file'];

type Request = Pick<Pipeline, 'engine' | 'steps' | 'checks' | 'onFail'>;
type Seen = Pick<Profile, 'connector' | 'connection'>;
/** What computes the steps of a pipeline: what it names, else the engine beside its source, or DuckDB where rows are handed to it.
 * @param others the other datasets of the steps
 * @throws EtlError `request.unsupported` where the engine it names cannot compute the steps of this source */
export function stepEngineOf({ engine, steps, checks, onFail }: Request, source: Seen, others: readonly Seen[] = []): StepEngine {
  const beside = handsOffOf(source, others) ? 'duckdb' : besideOf(source);
  if (engine === undefined) return beside;
  if (!steps?.length) throw new EtlError('request.unsupported', { found: `engine: ${engine} without steps`, allowed: 'it beside steps: a copy without them needs none' });
  if (engine === beside) return engine;
  if (engine !== 'spark') throw new EtlError('request.unsupported', { found: `engine: ${engine} for steps from ${source.connector}${others.length ? ' and other datasets' : ''}`, allowed: `engine: ${beside}${others.length ? '' : ' or engine: spark'}` });
  const problem = beyondSpark({ checks, onFail }, source);
  if (problem) throw new EtlError('request.unsupported', problem);
  return 'spark';
}
/** Why a pipeline cannot be given to Spark whatever its steps are, or null. */
export function beyondSpark({ checks, onFail }: Pick<Request, 'checks' | 'onFail'>, source: Pick<Seen, 'connector'>): { readonly found: string; readonly allowed: string } | null {
  if (!STAGED.includes(source.connector)) return { found: `engine: spark for steps from ${source.connector}`, allowed: 'a source that is PostgreSQL or a file' };
  return checks?.length || typeof onFail === 'object' ? { found: 'checks or onFail: quarantine beside engine: spark', allowed: 'another pipeline that judges what this one has written' } : null;
}
