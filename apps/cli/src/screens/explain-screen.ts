import type { PlanView, RunView, TaskRunView } from '@agent-etl/contracts';
import type { Paint } from './ansi.ts';
import { labelled } from './layout.ts';
import { asideLines } from './quarantine-screens.ts';
import { betweenMs, durationText, grouped } from './numbers.ts';
import { planScreen, tasksScreen } from './plan-screen.ts';
import { leftBehind, receiptScreen } from './run-screen.ts';

function taskLines({ id, kind, state, attempts, rows, worker, progress, result, failure, startedAt, finishedAt }: TaskRunView): string[] {
  const time = durationText(betweenMs(startedAt, finishedAt));
  const head = `   ${id}   ${kind}   ${state}   ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}   ${grouped(rows)} rows   ${time}${worker ? `   ${worker}` : ''}`;
  const lines = [head];
  if (result?.kind === 'load') lines.push(`     ${result.chunks} chunks, ${result.resumed} of them from an earlier attempt, ${grouped(result.bytes)} bytes${result.digestMs ? `; hashing the source beside it took ${durationText(result.digestMs)}` : ''}`);
  if (result?.kind === 'load') lines.push(...asideLines(result.aside ?? []).map((line) => `    ${line}`));
  if (result?.kind !== 'load' && progress?.chunks) lines.push(`     ${progress.chunksDone} of ${progress.chunks} chunks committed`);
  if (result?.kind === 'publish') lines.push(`     ${grouped(result.published)} rows became visible; proof at level ${result.level} took ${durationText(result.proofMs)}`);
  if (failure) lines.push(...labelled('', `${failure.code}: ${failure.text}`, { indent: 4 }));
  return lines;
}
/** Why a run came out as it did: the plan's choices with what lost, then tasks, attempts, chunks, then the proof or the failure. */
export function explainScreen({ plan, run }: { plan: PlanView | null; run: RunView | null }, paint: Paint): string[] {
  const lines: string[] = plan ? [...planScreen(plan, paint, 'every'), ' tasks', ...tasksScreen(plan)] : [];
  if (!run) return lines;
  lines.push(...(plan ? [''] : []), ` ${paint('bold', `run ${run.runId}`)}   ${run.state}   ${durationText(betweenMs(run.startedAt, run.finishedAt))}`);
  for (const task of run.tasks) lines.push(...taskLines(task));
  if (run.receipt) lines.push('', ...receiptScreen(run.receipt));
  else if (run.failure) lines.push('', ` failed  ${run.failure.code}: ${run.failure.text}`, ` left    ${leftBehind(run)}`);
  return lines;
}
