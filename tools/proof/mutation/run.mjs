// Judges mutants in processes that are warm. One that takes longer than any test would is ended, and its mutant counts as seen.
import { fork } from 'node:child_process';
import { join } from 'node:path';

const program = join(import.meta.dirname, 'worker.mjs');
const start = ({ shared, script, gate, scratch }, ...more) => fork(program, [shared, script, gate, scratch, ...more], { execArgv: ['--max-old-space-size=1024', '--disable-warning=ExperimentalWarning'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
const answer = (child) => new Promise((resolve, reject) => { child.once('message', resolve); child.once('exit', (code) => reject(new Error(`a process ended with ${code}`))); });

/** Every test once, without a mutant: its time, and the switches that it met. */
export const dryRun = (built) => answer(start(built, 'dry'));

/** What decides about a mutant: tests that met its switch; every test where the switch is met as the script loads. Cheap ones first. */
export function deciding({ ms, always, perTest }) {
  const atLoad = new Set(always);
  const met = new Map();
  const cheap = ms.map((_, nth) => nth).toSorted((a, b) => ms[a] - ms[b]);
  for (const nth of cheap) for (const id of perTest[nth] ?? []) if (met.has(id)) met.get(id).push(nth); else met.set(id, [nth]);
  return (id) => (atLoad.has(id) ? cheap : met.get(id) ?? []);
}
/** @param until when to stop, as Date.now() tells it
 * @returns by id: the test that saw it, `took too long`, null for a survivor, undefined where no test meets it; no entry where time was over */
export async function judged(built, { mutants, dry, processes, until, onOne }) {
  const wantedFor = deciding(dry);
  const [queue, verdicts] = [[], new Map()];
  for (const { id } of mutants) queue.push({ id, wanted: wantedFor(id) });
  /** Under load a test takes several times what it took alone. */
  const limit = ({ wanted }) => Math.min(120_000, 5_000 + 8 * wanted.reduce((sum, nth) => sum + dry.ms[nth], 0));
  async function work() {
    let child = null;
    for (let next = queue.shift(); next && Date.now() < until; next = queue.shift()) {
      if (next.wanted.length === 0) { verdicts.set(next.id, undefined); continue; }
      if (!child) { child = start(built); await answer(child); }
      let timer;
      const late = new Promise((resolve) => { timer = setTimeout(() => resolve('late'), limit(next)); });
      child.send(next);
      const said = await Promise.race([answer(child).catch(() => 'late'), late]);
      clearTimeout(timer);
      child.removeAllListeners('exit').removeAllListeners('message');
      if (said === 'late') { child.kill('SIGKILL'); child = null; }
      verdicts.set(next.id, said === 'late' ? 'took too long' : said.killedBy);
      onOne?.(verdicts.size);
    }
    child?.kill('SIGKILL');
  }
  await Promise.all(Array.from({ length: processes }, work));
  return verdicts;
}
