// What a standalone costs that nobody uses, its PostgreSQL included.
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, pidsOf, pssMiB } from './process-tree.mjs';
import { serverPidOf, startStandalone } from '../provision/standalone.mjs';

export async function idle({ say }) {
  const standalone = await startStandalone({});
  const postgresPid = serverPidOf(standalone);
  try {
    await sleep(15_000);
    const before = cpuSeconds(standalone.pid);
    const postgresBefore = cpuSeconds(postgresPid);
    await sleep(60_000);
    const [cpu, postgres] = [cpuSeconds(standalone.pid) - before, cpuSeconds(postgresPid) - postgresBefore];
    const pss = pssMiB(standalone.pid);
    const ofPostgres = pss - pssMiB(standalone.pid, pidsOf(postgresPid));
    say(`idle: ${cpu.toFixed(2)} CPU s (PostgreSQL ${postgres.toFixed(2)}), PSS ${pss.toFixed(0)} MiB (PostgreSQL ${ofPostgres.toFixed(0)})`);
    return { name: 'idle', cpu, postgres, pss, ofPostgres, lines: [
      ['idle standalone, CPU', `${cpu.toFixed(2)} s per 60 s`, `of that PostgreSQL ${postgres.toFixed(2)} s`, '<= 0.6 s'], ['idle standalone, PSS', `${pss.toFixed(0)} MiB`, `of that PostgreSQL ${ofPostgres.toFixed(0)} MiB`, '<= 350 MB']] };
  } finally { await standalone.stop(); }
}
