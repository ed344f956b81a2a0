// CPU seconds and memory of a process with all its children, read from /proc. Linux only.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

const ticks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const read = (path) => { try { return readFileSync(path, 'utf8'); } catch { return null; } }; // a process may end while we look

/** `[pid, parent, seconds]` of every process; seconds hold its own time and that of children it has waited for. */
function processes() {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    const stat = read(`/proc/${pid}/stat`);
    if (!stat) return [];
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const seconds = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0) / ticks;
    return [{ pid: Number(pid), parent: Number(fields[1]), seconds }];
  });
}
function treeOf(root) {
  const all = processes();
  const wanted = new Set([root]);
  for (let grown = true; grown;) {
    grown = false;
    for (const { pid, parent } of all) if (!wanted.has(pid) && wanted.has(parent)) { wanted.add(pid); grown = true; }
  }
  return all.filter(({ pid }) => wanted.has(pid));
}
/** Ids of a process and of all below it. */
export const pidsOf = (root) => treeOf(root).map(({ pid }) => pid);

/** The worker of a standalone that has it in a process of its own; undefined while it is being replaced. */
export const workerOf = ({ pid: root }) => pidsOf(root).find((pid) => read(`/proc/${pid}/cmdline`)?.includes('worker.main.js'));

/** CPU seconds of the tree so far, ended children included. A child that ends while the list is read is in neither its own line nor its parent's: so until two lists hold the same processes. */
export function cpuSeconds(root) {
  for (let seen = treeOf(root); ;) {
    const again = treeOf(root);
    if (again.length === seen.length && again.every(({ pid }, index) => pid === seen[index].pid)) return again.reduce((sum, { seconds }) => sum + seconds, 0);
    seen = again;
  }
}

/** Proportional set size of the tree in MiB: shared pages are counted once over all who share them. */
export const pssMiB = (root, except = []) => treeOf(root).filter(({ pid }) => !except.includes(pid)).reduce((sum, { pid }) => {
  const pss = /^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '');
  return sum + (pss ? Number(pss[1]) / 1024 : 0);
}, 0);

/** Samples the peak of a figure until `stop` is called. */
export function watchPeak(sample, everyMs = 100) {
  let peak = sample();
  const timer = setInterval(() => { peak = Math.max(peak, sample()); }, everyMs);
  return { stop: () => { clearInterval(timer); return Math.max(peak, sample()); } };
}
