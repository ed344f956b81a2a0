// A double of our own PUT /v1/plans/{hash}/airflow-task-runs: each task has a list of answers, the last one repeats.
import { createServer } from 'node:http';

const answers = {
  running: [200, { state: 'running', attempt: 1, receipt: null, code: null }],
  succeeded: [200, { state: 'succeeded', attempt: 1, receipt: 'r-1', code: null }],
  failed: [200, { state: 'failed', attempt: 3, receipt: null, code: 'sink.reconcile-mismatch' }],
  conflict: [409, { code: 'request.conflict', text: 'its predecessors have not succeeded' }],
  busy: [503, { code: 'platform.unavailable', text: 'busy' }],
};
const read = async (request) => { let text = ''; for await (const chunk of request) text += chunk; return text; };
const answer = (response, [status, body]) => { response.writeHead(status, { 'content-type': 'application/json' }); response.end(JSON.stringify(body)); };

/** `failed-until-cleared` fails as long as `max_tries` is what it was at first: that number grows only when a person clears the task. */
function pick(list, { passes, first, body }) {
  const word = list[Math.min(passes, list.length - 1)];
  return word === 'failed-until-cleared' ? (body.max_tries > first ? 'succeeded' : 'failed') : word;
}

/** Listens on loopback. `script` maps dag id to task id (or `*`) to words of `answers`, `drop` (the connection breaks off) or `failed-until-cleared`. */
export async function startDouble({ port, token, script }) {
  const seen = new Map();
  const calls = [];
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await read(request) || 'null');
    const known = /^\/v1\/plans\/[0-9a-f]{64}\/airflow-task-runs$/.test(request.url);
    if (request.method !== 'PUT' || !known) { calls.push({ odd: `${request.method} ${request.url}` }); return answer(response, [404, { code: 'access.not-found' }]); }
    if (request.headers.authorization !== `Bearer ${token}`) { calls.push({ odd: 'no token' }); return answer(response, [401, { code: 'access.unauthenticated' }]); }
    const key = [body.dag_id, body.run_id, body.task].join(' ');
    const { passes, first } = seen.get(key) ?? { passes: 0, first: body.max_tries };
    seen.set(key, { passes: passes + 1, first });
    const tasks = script[body.dag_id] ?? {};
    const word = pick(tasks[body.task] ?? tasks['*'] ?? ['succeeded'], { passes, first, body });
    calls.push({ ...body, word });
    if (word === 'drop') return request.socket.destroy();
    return answer(response, answers[word]);
  });
  await new Promise((done, fail) => { server.once('error', fail).listen(port, '127.0.0.1', done); });
  return { url: `http://127.0.0.1:${port}`, calls, stop: () => new Promise((done) => { server.closeAllConnections(); server.close(done); }) };
}
