// Writes the messages of Spark Connect as TypeScript, from the .proto files inside Spark's own jar: `node tools/provision/spark/messages.mjs`.
// With --check it fails when the committed ones are not those of the jar. Run it when Spark's version changes; the generator is fetched for that alone.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cache, root } from '../../install.mjs';
import { SPARK, provisionSpark } from './provision.mjs';

const into = join(root, 'libs', 'engines', 'src', 'spark', 'messages');
const of = (...names) => names.map((name) => `spark.connect.${name}`);
const used = [...of(...['ExecutePlan', 'ReleaseExecute', 'Interrupt', 'Config', 'AnalyzePlan', 'ReleaseSession', 'FetchErrorDetails'].flatMap((name) => [`${name}Request`, `${name}Response`]), 'ReattachExecuteRequest'), 'google.rpc.Status', 'google.rpc.ErrorInfo'];
/** What we never say: code of users, machine learning, streams, catalogues. */
const left = of('MlCommand', 'MlRelation', 'MlCommandResult', 'PipelineCommand', 'PipelineCommandResult', 'PipelineEventResult', 'Catalog', 'CommonInlineUserDefinedFunction', 'CommonInlineUserDefinedTableFunction',
  'CommonInlineUserDefinedDataSource', 'NAFill', 'NADrop', 'NAReplace', 'StatSummary', 'StatCrosstab', 'StatDescribe', 'StatCov', 'StatCorr', 'StatApproxQuantile', 'StatFreqItems', 'StatSampleBy', 'MapPartitions', 'GroupMap',
  'CoGroupMap', 'ApplyInPandasWithState', 'WriteStreamOperationStart', 'StreamingQueryCommand', 'StreamingQueryManagerCommand', 'StreamingQueryListenerBusCommand', 'ResultChunkingOptions', 'MergeIntoTableCommand', 'TransformWithStateInfo');

const run = (command, args, cwd) => {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2] });
  if (error || status !== 0) throw new Error(`${command} ${args.slice(0, 6).join(' ')} failed`);
};
const filesOf = (folder) => readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('_pb.ts')).sort().map((name) => [name, readFileSync(join(folder, name), 'utf8')]);

const { home } = await provisionSpark(join(cache, 'spark'));
const work = mkdtempSync(join(tmpdir(), 'spark-messages-'));
try {
  mkdirSync(join(work, 'proto'));
  run('python3', ['-m', 'zipfile', '-e', join(home, 'jars', `spark-connect_2.13-${SPARK}.jar`), 'jar'], work);
  for (const folder of [join('spark', 'connect'), join('google', 'rpc')]) {
    mkdirSync(join(work, 'proto', folder), { recursive: true });
    for (const name of readdirSync(join(work, 'jar', folder)).filter((each) => each.endsWith('.proto'))) cpSync(join(work, 'jar', folder, name), join(work, 'proto', folder, name));
  }
  writeFileSync(join(work, 'buf.yaml'), JSON.stringify({ version: 'v2', modules: [{ path: 'proto' }] }));
  writeFileSync(join(work, 'buf.gen.yaml'), JSON.stringify({ version: 'v2', plugins: [{ local: 'protoc-gen-es', out: 'made', opt: ['target=ts', 'import_extension=ts'] }], inputs: [{ binary_image: 'image.binpb', types: used, exclude_types: left }] }));
  const buf = (...args) => run('npm', ['exec', '--yes', '--ignore-scripts', '--package=@bufbuild/buf@1.75.0', '--package=@bufbuild/protoc-gen-es@2.17.0', '--package=@bufbuild/protobuf@2.17.0', '--', 'buf', ...args], work);
  buf('build', '-o', 'image.binpb', '--exclude-source-info'); // names and numbers only
  buf('generate');
  const made = JSON.stringify(filesOf(join(work, 'made')));
  const isSame = made === JSON.stringify(filesOf(into));
  if (process.argv.includes('--check')) {
    process.stdout.write(isSame ? `messages are those of Spark ${SPARK}\n` : `messages are not those of Spark ${SPARK}: node tools/provision/spark/messages.mjs\n`);
    process.exitCode = isSame ? 0 : 1;
  } else {
    rmSync(into, { recursive: true, force: true });
    for (const [name, text] of JSON.parse(made)) {
      mkdirSync(join(into, name, '..'), { recursive: true });
      writeFileSync(join(into, name), text);
    }
    process.stdout.write(`messages of Spark ${SPARK} written\n`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
