// How loose the process 1 of a container is, as the kernel says it from outside.
import { existsSync, readFileSync } from 'node:fs';

const CGROUPS = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'];
const field = (status, name) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
/** Memory that a process group may use at most, in bytes; null without a limit. */
export function memoryLimitOf(name) {
  const file = CGROUPS.flatMap((folder) => ['memory.limit_in_bytes', 'memory.max'].map((limit) => `${folder}/agent-etl-proof/${name}/${limit}`)).find(existsSync);
  const value = file ? Number(readFileSync(file, 'utf8')) : NaN;
  return value > 0 && value < 2 ** 50 ? value : null;
}
/** Mounts that can be written, but for the scratch of a pod and what the kernel puts behind names. The folder of the control groups is root's and holds mount points; the groups below it are read-only. */
function writableMounts(pid, allowed) {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trim().split('\n').map((line) => line.split(' '));
  return lines.filter(([, , , , at, options]) => options.split(',').includes('rw') && !['/tmp', '/dev', '/dev/shm', '/proc', '/sys/fs/cgroup', ...allowed].includes(at) && !/^\/proc\/(kcore|keys|scsi|timer_list|sched_debug)$/.test(at)).map(([, , , , at]) => at);
}
/** What is looser than a restricted pod has it, as sentences. @param volumes paths that may be written */
export function loosenessOf({ pid, name }, volumes = []) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return [
    ...(field(status, 'Uid') === '0' ? ['it runs as root'] : []), ...(['CapEff', 'CapPrm', 'CapBnd'].some((set) => BigInt(`0x${field(status, set)}`) !== 0n) ? ['it has capabilities'] : []),
    ...(field(status, 'NoNewPrivs') === '1' ? [] : ['it may gain rights']), ...(field(status, 'Seccomp') === '2' ? [] : ['every system call is open to it']),
    ...writableMounts(pid, volumes).map((at) => `${at} can be written`), ...(memoryLimitOf(name) === null ? ['its memory has no limit'] : []),
  ];
}
/** Seconds of processor that a process has used, of the hundredths that the kernel counts. */
export function usedSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13).map(Number);
  return (user + system) / 100;
}
/** Seconds that the main thread of a process stood ready and got no processor: others had them. */
export const waitedSeconds = (pid) => Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e9;
