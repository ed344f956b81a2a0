import { EtlError, type Pipeline, type Profile } from '@agent-etl/contracts';
import { ExpressionParser, QueryParser } from '@agent-etl/engines';
import { type CopyInput, type MapColumn, besideOf, fusedOf, handsOffOf, stepEngineOf, transformed } from '@agent-etl/planning';
import { nextStep } from '@agent-etl/sql-safety';
import { Injectable } from '@nestjs/common';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Reads the steps of pipelines. The parser starts with the first of them and stays until the service stops. */
@Injectable()
export class StepsService {
  private parser: Promise<Parsers> | null = null;

  /** The source as its readers see it behind the steps of a pipeline, and what they come to.
   * @param beside the other datasets of the steps, in the order of `otherDatasets`, and how a file spells a type
   * @throws EtlError `request.unsupported` where the engine it names cannot compute them; `sql.rejected` with an issue per text or step, `sql.parser-lost` */
  async behind(pipeline: Pipeline, source: Profile, { others = [], mapColumn = () => null }: { readonly others?: readonly Profile[]; readonly mapColumn?: MapColumn } = {}): Promise<Pick<CopyInput, 'source' | 'transform' | 'engine'>> {
    const engine = stepEngineOf(pipeline, source, others);
    const { steps } = pipeline;
    if (!steps?.length) return { source };
    const { parser, queries } = await this.running();
    const typesOf = ({ columns }: Profile) => new Map(columns.map(({ name, type }) => [name, type]));
    const how = engine === 'spark' ? { dialect: engine } : { dialect: besideOf(source), handsOff: handsOffOf(source, others) };
    const fused = await fusedOf(steps, { input: typesOf(source), inputs: others.map(typesOf), ...how, read: (text, path) => parser.parse(text, path), readQuery: (written, path) => queries.read(written, () => path) });
    if (fused.ok) return { ...transformed(source, fused.value, { engine, others, mapColumn }), engine };
    throw new EtlError('sql.rejected', { issues: fused.issues.map(({ path, text }) => `${path.replace('/pipeline', '')}: ${text.replace(/\.$/, '')}`).join('; '), next: nextStep(fused.issues) }, { issues: fused.issues });
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
interface Parsers { readonly parser: ExpressionParser; readonly queries: QueryParser; readonly folder: string }
async function started(): Promise<Parsers> {
  const folder = await mkdtemp(join(tmpdir(), 'agent-etl-parser-'));
  return { folder, parser: new ExpressionParser(folder), queries: new QueryParser(folder) };
}
