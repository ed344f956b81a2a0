// What a person does with a DAG, over Airflow's REST API: unpause, trigger, follow, clear.
const finished = new Set(['success', 'failed']);

export class DagRun {
  constructor(airflow, dagId, runId) { this.airflow = airflow; this.dagId = dagId; this.path = `/api/v2/dags/${dagId}/dagRuns/${runId}`; this.runId = runId; }
  /** Unpauses the DAG and starts one run under an id of ours. */
  async start() {
    await this.airflow.call('PATCH', `/api/v2/dags/${this.dagId}?update_mask=is_paused`, { is_paused: false });
    await this.airflow.call('POST', `/api/v2/dags/${this.dagId}/dagRuns`, { dag_run_id: this.runId, logical_date: null, conf: {} });
  }
  end(seconds) {
    return this.airflow.until(`the end of ${this.dagId}`, seconds, async () => {
      const run = await this.airflow.call('GET', this.path);
      return finished.has(run.state) ? run : null;
    });
  }
  async tasks() { return (await this.airflow.call('GET', `${this.path}/taskInstances?limit=100`)).task_instances; }
  async states() { return Object.fromEntries((await this.tasks()).map(({ task_id: id, state }) => [id, state])); }
  clear(task) {
    return this.airflow.call('POST', `/api/v2/dags/${this.dagId}/clearTaskInstances`,
      { dry_run: false, dag_run_id: this.runId, task_ids: [task], only_failed: false, reset_dag_runs: true, include_downstream: true });
  }
  async xcom(task) { return (await this.airflow.call('GET', `${this.path}/taskInstances/${task}/xcomEntries/return_value`)).value; }
  async versions() { return (await this.airflow.call('GET', `/api/v2/dags/${this.dagId}/dagVersions`)).total_entries; }
  async timing() {
    const run = await this.airflow.call('GET', this.path);
    const took = ((Date.parse(run.end_date) - Date.parse(run.start_date)) / 1000).toFixed(1);
    return `${took} s, ${(await this.tasks()).map((task) => `${task.task_id} ${task.state}, try ${task.try_number} of ${task.max_tries + 1}, ${(task.duration ?? 0).toFixed(1)} s`).join('; ')}`;
  }
}

/** Counts how often Airflow has parsed each DAG since `start()`. */
export class ParseCount {
  #seen = new Map();
  constructor(airflow, dagIds) { this.airflow = airflow; this.dagIds = dagIds; }
  async look() {
    for (const { dag_id: id, last_parsed_time: at } of (await this.airflow.call('GET', '/api/v2/dags?limit=100')).dags) {
      const times = this.#seen.get(id) ?? new Set();
      this.#seen.set(id, times.add(at));
    }
    return Math.min(...this.dagIds.map((id) => (this.#seen.get(id)?.size ?? 1) - 1));
  }
  start() { const timer = setInterval(() => { this.look().catch(() => undefined); }, 2000); this.stop = () => clearInterval(timer); return this; }
}
