// Many files with hostile text in every field that people write, imported by Airflow's own DagBag in one fresh process; every value must come back as it was meant.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { renderDag } from '../../../libs/dag-rendering/src/index.ts';
import { anApprovedPlan } from '../../../libs/dag-rendering/src/testing.ts';

const judge = `
import json, logging, sys, warnings
logging.disable(logging.CRITICAL); warnings.simplefilter("ignore")
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
wanted = json.load(open(sys.argv[2]))
wrong = [[path, text[-300:]] for path, text in bag.import_errors.items()]
for name, d in wanted.items():
    dag = bag.dags.get(name)
    if dag is None:
        wrong.append([name, "missing"]); continue
    got = {"says": dag.description, "doc": dag.doc_md, "owner": dag.owner, "tags": sorted(dag.tags),
           "edges": sorted([a.task_id, b] for a in dag.tasks for b in a.downstream_task_ids),
           "assets": sorted([x.name, x.uri] for t in dag.tasks for x in [*t.inlets, *t.outlets])}
    if got != d: wrong.append([name, json.dumps([got, d])[:600]])
print(json.dumps({"count": len(bag.dags), "wrong": wrong}))
`;
const control = /[\u0000-\u001f\u007f-\u009f]/gu;
const unprintable = /[\p{C}\p{Zl}\p{Zp},]/gu;
const spice = fc.constantFrom("'''", '"""', '\\', "\\'''", '{{ macros.x }}', '{% raw %}', "''')\nopen('/tmp/agent-etl-was-here', 'w')\nr'''", '\u2028', '\u202e', '\ufeff', '\u{1f4a3}', '%(x)s', '${x}', '<img src=x onerror=1>', '.md', '/', 'é');
const text = fc.string({ unit: fc.oneof(spice, fc.string({ unit: 'grapheme', minLength: 1, maxLength: 2 })), minLength: 1, maxLength: 14 }).map((value) => value.toWellFormed());
const sample = (count) => fc.sample(fc.record({ says: text, owner: text, table: text, reason: text }), { numRuns: count, seed: 20_261_124 });

function renderOne({ says, owner, table, reason }, at) {
  const dataset = `public."${table.replaceAll(control, '').replaceAll('"', '""') || 'x'}"`;
  const [decision] = anApprovedPlan().plan.decisions;
  return renderDag(anApprovedPlan({
    pipeline: { name: `n${at}`, description: says.replaceAll(control, ' '), owner: [...owner.replaceAll(unprintable, '')].slice(0, 40).join('').trim() || 'x', from: { connection: 'ops', dataset } },
    plan: { decisions: [{ ...decision, choice: reason }], ...(at % 2 ? { schedule: null } : {}) },
  }));
}
const asJson = ({ dag, edges, tasks }) => ({
  says: dag.says, doc: dag.doc, owner: dag.owner, tags: [...dag.tags].sort(), edges: [...edges].sort(), assets: tasks.flatMap(({ reads, writes }) => [...reads, ...writes]).sort(),
});

/** Imports `count` files. @returns how many DAGs came, and what differs */
export function importMany({ venv, folder, count }) {
  const files = join(folder, 'files');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(files, { recursive: true });
  const wanted = {};
  sample(count).forEach((one, at) => {
    const { fileName, text: content, spec, dagId } = renderOne(one, at);
    writeFileSync(join(files, fileName), content);
    wanted[dagId] = asJson(spec);
  });
  writeFileSync(join(folder, 'wanted.json'), JSON.stringify(wanted));
  const env = { PATH: process.env.PATH, HOME: folder, AIRFLOW_HOME: folder, LANG: 'C.UTF-8', AIRFLOW__CORE__LOAD_EXAMPLES: 'False', AIRFLOW__CORE__DAGS_FOLDER: files };
  const { status, stdout, stderr } = spawnSync('nice', ['-n', '5', join(venv, 'bin', 'python'), '-c', judge, files, join(folder, 'wanted.json')], { env, encoding: 'utf8', maxBuffer: 1 << 26, timeout: 240_000 });
  if (status !== 0) return { count: 0, wrong: [['python', stderr.trim().slice(-600)]] };
  return JSON.parse(stdout.trim().split('\n').at(-1));
}
