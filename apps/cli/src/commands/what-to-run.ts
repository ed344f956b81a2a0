import { type Pipeline, type PipelineRequest, PlanId, loadModes } from '@agent-etl/contracts';
import { readPipelineFile } from '@agent-etl/planning';
import { type DerivedConnection, derivePipeline } from '../addresses/derive-pipeline.ts';
import { parseAddress } from '../addresses/parse-address.ts';
import { WrongUse } from '../session/exit-codes.ts';
import type { Session } from '../session/session.ts';
import type { Whence } from '../session/missing-file.ts';
import { readText } from '../session/read-text.ts';

export interface TargetOptions { readonly to?: string; readonly table?: string; readonly load?: string; readonly key?: string; readonly say?: string; readonly requestId?: string }
/** A file of a pipeline as it was read: what is wrong with the pipeline is told by its lines. */
export interface WrittenFile { readonly file: string; readonly text: string }
/** What the words of a command come to: a request, or an existing plan. */
export type Wanted = { readonly kind: 'request'; readonly request: PipelineRequest; readonly connections: readonly DerivedConnection[]; readonly hints: readonly string[]; readonly file?: WrittenFile }
  | { readonly kind: 'plan'; readonly planId: PlanId };

async function planFromFile(path: string, whence: Whence): Promise<PlanId> {
  const value = ((text: string): unknown => { try { return JSON.parse(text) as unknown; } catch { return null; } })(await readText(path, whence));
  const planId = PlanId.safeParse(Object(value).planId);
  if (!planId.success) throw new WrongUse(`${path} is no plan file.`, 'make one with: agent-etl plan PIPELINE --out FILE');
  return planId.data;
}
const loadOf = (load: string | undefined): Pipeline['to']['load'] => {
  const known = load === undefined ? undefined : loadModes.find((mode) => mode === load);
  if (load === known) return known;
  throw new WrongUse(`--load ${load ?? ''} is not known.`, `use ${loadModes.join(', ')}`);
};
/** Understands the first argument of plan, run and apply.
 * @throws EtlError `request.invalid` or `request.malformed` with file:line:column of each issue */
export async function whatIsWanted(text: string, options: TargetOptions, { cwd, env, projectDir }: Pick<Session, 'cwd' | 'env' | 'projectDir'>): Promise<Wanted> {
  const whence = { cwd, projectDir };
  const id = options.requestId === undefined ? {} : { requestId: options.requestId };
  const say = options.say === undefined ? {} : { say: options.say };
  if (PlanId.safeParse(text).success) return { kind: 'plan', planId: PlanId.parse(text) };
  if (text.endsWith('.json') && options.to === undefined) return { kind: 'plan', planId: await planFromFile(text, whence) };
  if (options.to !== undefined) {
    const key = options.key?.split(',').map((column) => column.trim()).filter(Boolean);
    const { pipeline, connections, hints } = derivePipeline({ from: text, to: options.to, table: options.table, load: loadOf(options.load), key }, { cwd, env });
    return { kind: 'request', request: { ...id, ...say, pipeline }, connections, hints };
  }
  const address = parseAddress(text);
  if (address.kind === 'pipeline-file') {
    const file: WrittenFile = { file: address.path, text: await readText(address.path, whence) };
    return { kind: 'request', request: { ...id, ...say, pipeline: readPipelineFile(file.text, file.file) }, connections: [], hints: [], file };
  }
  if (address.kind === 'name') return { kind: 'request', request: { ...id, ...say, pipeline: { name: address.name } as Pipeline }, connections: [], hints: [] };
  throw new WrongUse('Where to?', `agent-etl run ${address.kind === 'postgres' || address.kind === 'mysql' ? 'env:VARIABLE' : text} --to connection.schema.table`);
}
