import { EtlError, type Pipeline, type Profile, type StepEngine } from '@agent-etl/contracts';
import { ExpressionParser, QueryParser } from '@agent-etl/engines';
import { type CopyInput, type EngineMeans, type MapColumn, besideOf, beyondSpark, chooseEngine, fusedOf, handsOffOf, heldStateOf, stepEngineOf, transformed } from '@agent-etl/planning';
import { type Checked, type Fused, nextStep } from '@agent-etl/sql-safety';
import { Inject, Injectable } from '@nestjs/common';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Memory of a worker's engine, and whether there is a Spark. */
export const ENGINE_MEANS = Symbol('means of engines');
interface Beside { readonly others: readonly Profile[]; readonly mapColumn: MapColumn }

/** Reads the steps of pipelines. The parser starts with the first of them and stays until the service stops. */
@Injectable()
export class StepsService {
  private parser: Promise<Parsers> | null = null;
  private readonly means: EngineMeans;
  constructor(@Inject(ENGINE_MEANS) means: EngineMeans) { this.means = means; }

  /** The source as its readers see it behind the steps of a pipeline, and what they come to.
   * @param beside the other datasets of the steps, in the order of `otherDatasets`, and how a file spells a type
   * @throws EtlError `request.unsupported` where the engine it names cannot compute them; `sql.rejected` with an issue per text or step, `sql.parser-lost` */
  async behind(pipeline: Pipeline, source: Profile, { others = [], mapColumn = () => null }: Partial<Beside> = {}): Promise<Pick<CopyInput, 'source' | 'transform' | 'engine' | 'choice'>> {
    const engine = stepEngineOf(pipeline, source, others);
    if (!pipeline.steps?.length) return { source };
    const fused = await this.fused(pipeline.steps, source, { others, engine });
    if (!fused.ok) throw refused(fused);
    const asked = { asked: pipeline.engine, beside: engine, state: heldStateOf(fused.value.stages, { source, others, after: fused.value.handOff?.after }), means: this.means };
    const beyond = beyondSpark(pipeline, source);
    const choice = chooseEngine({ ...asked, problem: beyond && `${beyond.found} is refused` });
    if (choice.engine === engine) return { ...transformed(source, fused.value, { engine, others, mapColumn }), engine, choice };
    const there = await this.fused(pipeline.steps, source, { others, engine: choice.engine });
    if (there.ok) return { ...transformed(source, there.value, { engine: choice.engine, others, mapColumn }), engine: choice.engine, choice };
    return { ...transformed(source, fused.value, { engine, others, mapColumn }), engine, choice: chooseEngine({ ...asked, problem: there.issues[0]?.text.split(';')[0] ?? 'it has no form for them' }) };
  }
  private async fused(steps: NonNullable<Pipeline['steps']>, source: Profile, { others, engine }: Pick<Beside, 'others'> & { readonly engine: StepEngine }): Promise<Checked<Fused>> {
    const { parser, queries } = await this.running();
    const typesOf = ({ columns }: Profile) => new Map(columns.map(({ name, type }) => [name, type]));
    const how = engine === 'spark' ? { dialect: engine } : { dialect: besideOf(source), handsOff: handsOffOf(source, others) };
    return fusedOf(steps, { input: typesOf(source), inputs: others.map(typesOf), ...how, read: (text, path) => parser.parse(text, path), readQuery: (written, path) => queries.read(written, () => path) });
  }
  /** A start that failed is tried again by whoever asks next. */
  private async running(): Promise<Parsers> {
    try {
      return await (this.parser ??= started());
    } catch (error) {
      this.parser = null;
      throw error;
    }
  }
  async stop(): Promise<void> {
    const running = await this.parser?.catch(() => null);
    this.parser = null;
    if (!running) return;
    await Promise.all([running.parser.stop(), running.queries.stop()]);
    await rm(running.folder, { recursive: true, force: true });
  }
}
function refused({ issues }: Extract<Checked<Fused>, { ok: false }>): EtlError {
  return new EtlError('sql.rejected', { issues: issues.map(({ path, text }) => `${path.replace('/pipeline', '')}: ${text.replace(/\.$/, '')}`).join('; '), next: nextStep(issues) }, { issues: [...issues] });
}
interface Parsers { readonly parser: ExpressionParser; readonly queries: QueryParser; readonly folder: string }
async function started(): Promise<Parsers> {
  const folder = await mkdtemp(join(tmpdir(), 'agent-etl-parser-'));
  return { folder, parser: new ExpressionParser(folder), queries: new QueryParser(folder) };
}
