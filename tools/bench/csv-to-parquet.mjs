// A large CSV to Parquet, against the bare engine with the same columns. A plain conversion: pipelines that filter or group are no part of it.
import { chmodSync, copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startStandalone } from '../provision/standalone.mjs';
import { line, ourPipeline, perRow, sum } from './copy.mjs';
import { lineitemColumns, withLineitemCsv } from './lineitem.mjs';
import { median, ratioText } from './statistics.mjs';
import { contentOfFile, duckRound, duckRows } from './yardsticks.mjs';

const names = lineitemColumns.map(({ name }) => name);

export async function csvToParquet({ rows, rounds, say }) {
  const folder = mkdtempSync('/var/tmp/etl-bench-files-');
  chmodSync(folder, 0o755);
  let standalone;
  try {
    const [csv, ours, theirs] = ['lineitem.csv', 'ours.parquet', 'bare.parquet'].map((name) => join(folder, name));
    await withLineitemCsv(rows, (made) => { copyFileSync(made, csv); });
    standalone = await startStandalone({ files: { connector: 'file', root: folder } });
    const bytes = statSync(csv).size;
    const pipeline = { name: 'csv_to_parquet', from: { connection: 'files', dataset: 'lineitem.csv' }, to: { connection: 'files', dataset: 'ours.parquet' } };
    const once = (round) => { rmSync(ours, { force: true }); return ourPipeline(null, standalone, { ...pipeline, name: `csv_to_parquet_${round}` }); };
    await once('first');
    const types = duckRows(`describe select * from '${ours}'`).map((column) => `'${column.column_name}': '${column.column_type}'`); // those that the plan has chosen: both write the same
    const statement = `copy (select * from read_csv('${csv}', header = true, auto_detect = false, delim = ',', quote = '"', columns = {${types.join(', ')}})) to '${theirs}' (format parquet, compression zstd)`;
    const result = [];
    const works = {
      ours: once,
      bare: () => duckRound(statement),
    };
    for (let round = 0; round < rounds; round += 1) {
      const seen = {};
      for (const who of round % 2 ? ['bare', 'ours'] : ['ours', 'bare']) seen[who] = await works[who](round);
      result.push(seen);
      const [mine, bare] = [contentOfFile(`'${ours}'`, names), contentOfFile(`'${theirs}'`, names)];
      if (mine !== bare) throw new Error(`ours holds ${mine}, the bare engine's file ${bare}`);
      const counted = Number(mine.split(' ')[0]);
      say(`round ${round + 1}: ours ${line(seen.ours, counted)} + proof ${line(seen.ours.proof, counted)} | bare ${line(seen.bare, counted)} | R ${(sum(seen.ours) / sum(seen.bare)).toFixed(3)}`);
      seen.rows = counted;
    }
    const counted = result[0].rows;
    const of = (pick) => median(result.map(pick));
    const size = `${(bytes / 1e6).toFixed(0)} MB`;
    return { name: 'csvToParquet', rows: counted, bytes, rounds: result, lines: [
      [`CSV of ${size} to Parquet, ours`, `${perRow(of(({ ours: one }) => sum(one)), counted)} us/row`, `${of(({ ours: one }) => one.wall).toFixed(1)} s`, `${rounds} rounds`],
      ['the same columns, bare DuckDB', `${perRow(of(({ bare }) => sum(bare)), counted)} us/row`, `${of(({ bare }) => bare.wall).toFixed(1)} s`, ''],
      ['CSV to Parquet, R', `${ratioText(result.map((one) => sum(one.ours) / sum(one.bare)))} (95 % interval of the median)`, `wall ratio ${of(({ ours: one, bare }) => one.wall / bare.wall).toFixed(2)}; hashing of the source included, no filter or grouping`, 'overhead <= 1.03'],
      ['CSV to Parquet, reading back and publish', `${perRow(of(({ ours: one }) => sum(one.proof)), counted)} us/row`, `${of(({ ours: one }) => one.proof.wall).toFixed(1)} s`, 'on its own line']] };
  } finally { await standalone?.stop(); rmSync(folder, { recursive: true, force: true }); }
}
