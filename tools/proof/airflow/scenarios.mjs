// DAGs that meet a scripted API: green, busy, red then cleared, refused. Rendered by the product, with hostile text in what people write.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderDag } from '../../../libs/dag-rendering/src/index.ts';
import { anApprovedPlan } from '../../../libs/dag-rendering/src/testing.ts';

const green = { load_flights: 'success', publish_flights: 'success', receipt: 'success' };
export const hostile = `'''") {{ 1 + 1 }} {% x %} \\' \\u0027 é 日本 \u{1f600} \u2028 \u202e <script>alert(1)</script> $(touch /tmp/x) ends.md`;

/** `answers` script the double; `want` is what Airflow must show in the end. */
export const scenarios = [
  { name: 'ok', answers: { '*': ['succeeded'] }, want: ['success', green], change: { pipeline: { description: hostile, owner: "o'brien \\ \"co\" 日本" } } },
  { name: 'busy', answers: { load_flights: ['busy', 'busy', 'drop', 'running', 'succeeded'] }, want: ['success', green], change: { plan: { schedule: null } } },
  { name: 'clear', answers: { publish_flights: ['failed-until-cleared'] }, clear: 'publish_flights', want: ['success', green], change: { plan: { schedule: { cron: '0 3 * * MON-FRI' } } } },
  { name: 'conflict', answers: { load_flights: ['conflict'] }, want: ['failed', { load_flights: 'failed', publish_flights: 'upstream_failed', receipt: 'upstream_failed' }], change: {} },
];
export const dagIdOf = ({ name }) => `proof-${name}`;
export const scriptOf = () => Object.fromEntries(scenarios.map((scenario) => [dagIdOf(scenario), scenario.answers]));

/** Renders one file per scenario. They ask every 10 s instead of 60, the least that a scheduler on two busy cores keeps up with. */
export function writeScenarios(folder, connection) {
  return scenarios.map(({ name, change }) => {
    const { pipeline = {}, plan = {} } = change;
    const approved = anApprovedPlan({ pipeline: { ...pipeline, name }, plan, approved: { tenant: 'proof', approvedAt: new Date().toISOString() } });
    const rendered = renderDag(approved, { connection }, { pokeSeconds: 10, retrySeconds: 5 });
    writeFileSync(join(folder, rendered.fileName), rendered.text);
    return rendered;
  });
}
