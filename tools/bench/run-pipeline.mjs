import { setTimeout as sleep } from 'node:timers/promises';

/** Runs one pipeline and calls `onTaskEnd(id)` when a task is seen to have ended. Answers the run. @throws when it is not green */
export async function runPipeline(standalone, pipeline, { onTaskEnd = () => undefined, everyMs = 200 } = {}) {
  const { requestId } = await standalone.call('POST', '/v1/requests', { pipeline, run: 'now' });
  const ended = new Set();
  for (;;) {
    const request = await standalone.call('GET', `/v1/requests/${requestId}`);
    if (request.failure || request.state === 'waiting') throw new Error(`${pipeline.name} does not run: ${JSON.stringify(request)}`);
    const run = request.runId ? await standalone.call('GET', `/v1/runs/${request.runId}`) : null;
    for (const { id, state } of run?.tasks ?? []) if (state === 'succeeded' && !ended.has(id)) { ended.add(id); onTaskEnd(id); }
    if (run?.state === 'succeeded') return { run, request };
    if (run?.state === 'failed' || run?.state === 'cancelled') throw new Error(`${pipeline.name} is ${run.state}: ${JSON.stringify(run.failure)}`);
    await sleep(everyMs);
  }
}
