import { type ColumnMapping, type Decision, type Judging, type LoadTask, binaryFormOf, isBinary } from '@agent-etl/contracts';
import { type CopyInput, type Ruled, decide, grouped, megabytes, plural } from '../decide.ts';

export interface Movement { readonly carrier: LoadTask['carrier']; readonly engine: LoadTask['engine']; readonly digest: LoadTask['digest'] }

/** How bytes travel, what moves them, and how rows are hashed on the way. */
export function ruleMovement({ source, target, transform, choice }: CopyInput, columns: readonly ColumnMapping[], judging: Judging | null = null): Ruled<Movement> {
  const changed = columns.filter(({ sourceNative, targetNative }) => sourceNative !== targetNative);
  const engineOf = (text: string, rejected: string): Decision => decide('engine', text, { why: ['engine', rejected], rejected: text === 'splice'
    ? [['duckdb', 'Decoding and encoding every value costs about twice the CPU and changes nothing.']] : [['splice', 'The two ends do not speak one binary format.']] });
  if (transform?.engine === 'spark') return fromSpark({ source, target, choice });
  if (source.connector === 'postgres' && target.connector === 'postgres') {
    if (judging) return judgedBetweenTables(judging, engineOf('splice', 'Both ends are PostgreSQL: the source judges, each server reads and writes text.'));
    if (!changed.length) {
      return { risks: [], value: { carrier: 'frames', engine: 'splice', digest: 'pg-frame' }, decisions: [
        decide('movement', 'splice binary frames', { why: ['same-engine-equal-types', `Same engine, ${plural(columns.length, 'equal type')}, no step: bytes pass undecoded.`],
          rejected: [['duckdb', 'Twice the CPU per row and no gain.'], ['text', `${plural(columns.length, 'column')} would be printed and parsed for nothing.`]] }),
        engineOf('splice', 'Both ends are PostgreSQL: no step needs the values.')] };
    }
    return { risks: [], value: { carrier: 'text', engine: 'splice', digest: 'text-md5' }, decisions: [
      decide('movement', 'stream as text', { why: ['same-engine-other-types', `${plural(changed.length, 'column')} of ${columns.length} change type: each server reads and writes text of its own types.`],
        rejected: [['splice binary frames', `Binary frames of ${changed[0]!.sourceNative} are not those of ${changed[0]!.targetNative}.`]] }),
      engineOf('splice', 'Both ends are PostgreSQL: the servers convert.')] };
  }
  const between = `${transform?.handOff ? 'DuckDB' : source.connector} to ${target.connector}`;
  if (source.connector !== 'file' && target.connector !== 'file') {
    return { risks: [], value: { carrier: 'text', engine: 'stream', digest: 'text-md5' }, decisions: [
      decide('movement', 'stream as text', { why: ['between-engines', `From ${between}: ${grouped(source.rows)} rows as text that both sides read exactly.`], rejected: [['splice binary frames', 'Only two PostgreSQL ends share a frame format.']] }),
      decide('engine', 'stream', { why: ['engine', `From ${between}: each end writes or reads the text itself, no engine stands between.`], rejected: [['duckdb', 'It would parse and print every value once more and change nothing.']] })] };
  }
  const engine = engineOf('duckdb', `From ${between}: DuckDB in a locked child process reads and writes files.`);
  if (target.connector === 'postgres' && !transform?.handOff) return intoTable({ between, rows: source.rows, isJudged: judging !== null }, columns, engine);
  const value: Movement = { carrier: source.connector === 'file' && target.connector === 'file' && !judging && !transform?.handOff ? 'file' : 'text', engine: 'duckdb', digest: 'text-md5' };
  return { value, risks: [], decisions: [
    decide('movement', value.carrier === 'file' ? 'the engine opens the file' : 'stream as text', { why: ['between-engines', `From ${between}: ${grouped(source.rows)} rows as ${value.carrier === 'file' ? 'columns' : 'text that both sides read exactly'}.`],
      rejected: [['splice binary frames', 'Only two PostgreSQL ends share a frame format.']] }),
    engine] };
}

/** From a file into a table: in the table's own binary form where every column has one, otherwise as text. */
function intoTable({ between, rows, isJudged }: { between: string; rows: CopyInput['source']['rows']; isJudged: boolean }, columns: readonly ColumnMapping[], engine: Decision): Ruled<Movement> {
  const other = columns.find((column) => binaryFormOf(column) === null);
  if (!isJudged && isBinary(columns)) {
    return { risks: [], value: { carrier: 'frames', engine: 'duckdb', digest: 'text-md5' }, decisions: [
      decide('movement', 'write binary frames', { why: ['between-engines', `From ${between}: ${grouped(rows)} rows, written by the engine as the table takes them; nothing is printed and parsed.`],
        rejected: [['stream as text', `${plural(columns.length, 'column')} would be printed and parsed for nothing.`]] }), engine] };
  }
  return { risks: [], value: { carrier: 'text', engine: 'duckdb', digest: 'text-md5' }, decisions: [
    decide('movement', 'stream as text', { why: ['between-engines', `From ${between}: ${grouped(rows)} rows as text that both sides read exactly.`],
      rejected: [['write binary frames', isJudged ? 'What is said of a row travels before it, as text.' : `Only the server makes ${other?.targetNative ?? 'its type'} of ${other?.source ?? 'a column'}.`]] }), engine] };
}

/** What Spark computed lies in files of ours: they travel as any file does, and are hashed as any file is. */
function fromSpark({ source, target, choice }: Pick<CopyInput, 'source' | 'target' | 'choice'>): Ruled<Movement> {
  const same = 'ledger, proof and publish stay here, so that the receipt is the same.';
  return { risks: [], value: { carrier: 'text', engine: 'spark', digest: 'text-md5' }, decisions: [
    decide('movement', 'staged Parquet, then text', { why: ['staged', `Spark reads Parquet that is staged for it and writes Parquet; from there to ${target.connector} rows travel as text that both sides read exactly.`], rejected: [['Spark writes the target', 'Then no ledger and no proof would stand between its rows and their readers.']] }),
    choice?.code === 'outgrown'
      ? decide('engine', 'spark', { why: ['state-outgrows-memory', `${choice.text} So Spark computes the steps; ${same}`], rejected: [['duckdb', 'It would finish on one machine, by spilling.']] })
      : decide('engine', 'spark', { by: 'person', why: ['engine-asked', `The request names Spark for the steps over ${grouped(source.rows)} rows; ${same}`], rejected: [['duckdb', `One machine would compute them from ${megabytes(source.bytes)}.`]] })] };
}

/** Rows that may leave the stream travel as text, behind what the source says of each. */
function judgedBetweenTables({ bad }: Judging, engine: Decision): Ruled<Movement> {
  return { risks: [], value: { carrier: 'text', engine: 'splice', digest: 'text-md5' }, decisions: [
    decide('movement', 'stream as text', { why: ['rows-judged', `The source judges each row in the statement that reads it, and says so before the row; ${bad === 'aside' ? 'a bad one leaves the stream on its way' : 'the first bad one ends it'}.`],
      rejected: [['splice binary frames', 'A row that leaves the stream would have to be told from its frame.']] }), engine] };
}
