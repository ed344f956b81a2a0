import { setTimeout as sleep } from 'node:timers/promises';

/** Runs one pipeline and waits for its end, as a service would: the API answers when the run has ended. Answers run and request. @throws when it is not green */
export async function runPipeline(standalone, pipeline) {
  const asked = await standalone.call('POST', '/v1/requests?wait=60', { pipeline, run: 'now' });
  for (let request = asked; ; request = await standalone.call('GET', `/v1/requests/${asked.requestId}?wait=60`)) {
    if (request.failure || request.state === 'waiting') throw new Error(`${pipeline.name} does not run: ${JSON.stringify(request)}`);
    if (request.state === 'finished') return { run: green(pipeline, await standalone.call('GET', `/v1/runs/${request.runId}`)), request };
  }
}
/** The same, and calls `onTaskEnd(id)` when a task is seen to have ended. Looking costs about 2 ms of CPU each time. */
export async function followPipeline(standalone, pipeline, { onTaskEnd, everyMs = 200 }) {
  const { requestId } = await standalone.call('POST', '/v1/requests', { pipeline, run: 'now' });
  const ended = new Set();
  for (let runId = null; ; await sleep(everyMs)) {
    const request = runId ? null : await standalone.call('GET', `/v1/requests/${requestId}`);
    if (request?.failure || request?.state === 'waiting') throw new Error(`${pipeline.name} does not run: ${JSON.stringify(request)}`);
    runId ??= request.runId;
    const run = runId ? await standalone.call('GET', `/v1/runs/${runId}`) : null;
    for (const { id, state } of run?.tasks ?? []) if (state === 'succeeded' && !ended.has(id)) { ended.add(id); onTaskEnd(id); }
    if (run?.finishedAt) return green(pipeline, run);
  }
}
function green(pipeline, run) {
  if (run.state !== 'succeeded') throw new Error(`${pipeline.name} is ${run.state}: ${JSON.stringify(run.failure)}`);
  return run;
}
