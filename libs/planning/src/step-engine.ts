import { EtlError, type Pipeline, type Profile, type StepEngine } from '@agent-etl/contracts';

/** The engine beside a source: it computes steps in the statement that reads. */
const besideOf = ({ connector }: Pick<Profile, 'connector'>): StepEngine => (connector === 'postgres' ? 'postgres' : 'duckdb');
/** Sources that are staged for Spark. */
const STAGED: readonly string[] = ['postgres', 'file'];

/** What computes the steps of a pipeline: what it names, else the engine beside its source.
 * @throws EtlError `request.unsupported` where the engine it names cannot compute the steps of this source */
export function stepEngineOf({ engine, steps, checks, onFail }: Pick<Pipeline, 'engine' | 'steps' | 'checks' | 'onFail'>, source: Pick<Profile, 'connector'>): StepEngine {
  const beside = besideOf(source);
  if (engine === undefined) return beside;
  if (!steps?.length) throw new EtlError('request.unsupported', { found: `engine: ${engine} without steps`, allowed: 'it beside steps: a copy without them needs none' });
  if (engine === beside) return engine;
  if (engine !== 'spark') throw new EtlError('request.unsupported', { found: `engine: ${engine} for steps from ${source.connector}`, allowed: `engine: ${beside} or engine: spark` });
  if (!STAGED.includes(source.connector)) throw new EtlError('request.unsupported', { found: `engine: spark for steps from ${source.connector}`, allowed: 'a source that is PostgreSQL or a file' });
  if (checks?.length || typeof onFail === 'object') throw new EtlError('request.unsupported', { found: 'checks or onFail: quarantine beside engine: spark', allowed: 'another pipeline that judges what this one has written' });
  return 'spark';
}
