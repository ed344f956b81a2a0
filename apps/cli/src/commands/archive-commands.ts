import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { ApiError } from '@agent-etl/api-client';
import { Failure, errorTable } from '@agent-etl/contracts';
import { z } from 'zod';
import { labelled } from '../screens/layout.ts';
import { bytesText, durationText, grouped } from '../screens/numbers.ts';
import { type ExitCode, WrongUse, exitCodes } from '../session/exit-codes.ts';
import type { Session } from '../session/session.ts';
import { nodeFlags, standaloneProgram } from '../session/standalone-client.ts';
import { type Archive, forwardSignals, lostBy } from './archive-end.ts';

export interface ArchiveOptions { readonly state?: string; readonly key?: string }
const Count = z.number().nonnegative();
const Taken = z.looseObject({ file: z.string(), takenAt: z.string(), release: Count, tables: Count, rows: Count, bytes: Count, sha256: z.string(), seconds: Count });
const Restored = z.looseObject({ file: z.string(), takenAt: z.string(), release: Count, tables: Count, rows: Count, bytes: Count, verifySeconds: Count, loadSeconds: Count, seconds: Count, resent: Count, mended: z.record(z.string(), Count), otherKeys: z.array(z.string()) });
const Line = z.union([z.object({ table: z.string(), rows: Count }), z.object({ result: z.looseObject({}) }), z.object({ failure: Failure })]);
const WORDS = 12;

/** Writes the whole state, as it is at one instant, into one file; what runs goes on. */
export async function backupCommand(session: Session, file: string, options: ArchiveOptions): Promise<ExitCode> {
  const taken = Taken.parse(await archive(session, ['backup', file], options));
  session.output.result(taken, () => [
    ...labelled('backup', taken.file, { width: WORDS }), ...labelled('as of', `${taken.takenAt}, release ${taken.release}`, { width: WORDS }),
    ...labelled('holds', `${grouped(taken.rows)} rows of ${taken.tables} tables, ${bytesText(taken.bytes)}, in ${durationText(taken.seconds * 1000)}`, { width: WORDS }), ...labelled('sha256', taken.sha256, { width: WORDS }),
    ...labelled('not in it', 'the ledgers, which are in the targets; secrets and private keys, which are named only', { width: WORDS })]);
  return exitCodes.green;
}

/** Puts a backup into an empty project folder or database: all of it, or nothing. */
export async function restoreCommand(session: Session, file: string, options: ArchiveOptions): Promise<ExitCode> {
  const restored = Restored.parse(await archive(session, ['restore', file], options));
  const { unfinished = 0, fences = 0 } = restored.mended;
  session.output.result(restored, () => [
    ...labelled('restored', `${grouped(restored.rows)} rows of ${restored.tables} tables, ${bytesText(restored.bytes)}, in ${durationText(restored.seconds * 1000)} (checked in ${durationText(restored.verifySeconds * 1000)})`, { width: WORDS }),
    ...labelled('as of', `${restored.takenAt}, release ${restored.release}`, { width: WORDS }),
    ...labelled('goes on', `${grouped(unfinished)} runs that had not ended, ${grouped(restored.resent)} messages that are sent again, ${grouped(fences)} fences of files raised`, { width: WORDS }),
    ...restored.otherKeys.flatMap((key) => labelled('key', `receipts of before verify with receipts.${key}.pub.pem in the folder keys; put the private key back to sign with it again`, { width: WORDS }))]);
  return exitCodes.green;
}

/** Runs the program that knows the state; a command that only asks an API does not load it. */
async function archive(session: Session, words: readonly [Archive, string], { state, key }: ArchiveOptions): Promise<unknown> {
  if (session.isDeployed) throw new WrongUse(`${words[0]} works on the database, not on an API.`, 'leave --url out, and name the database: --state postgres://admin@host/db');
  if (state !== undefined && !/^postgres(ql)?:\/\//.test(state)) throw new WrongUse(`${JSON.stringify(state)} is no address of a PostgreSQL.`, 'write postgres://admin@host:port/database; its password in the file that ETL_PERSISTENCE_ADMIN_PASSWORD_FILE names');
  const program = join(dirname(standaloneProgram()), 'state.main.js');
  if (!existsSync(program)) throw new WrongUse(`The standalone is not built: ${program} is missing.`, 'npm run build');
  const args = [words[0], resolve(session.cwd, words[1]), '--project', session.projectDir, ...(key ? ['--key', resolve(session.cwd, key)] : [])];
  // An address may carry a password: the environment of a child is its owner's, the list of processes is everybody's.
  // In a group of its own: Ctrl-C reaches it by us alone, and the server that it may have started not at all.
  const child = spawn(process.execPath, [...nodeFlags, program, ...args], { detached: true, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...session.env, ...(state ? { ETL_PERSISTENCE_ADMIN_URL: state } : {}) } });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const forward = forwardSignals(child, () => { session.output.note(` ending the ${words[0]}; Ctrl-C again leaves at once`); });
  try {
    const result = await resultOf(child, (table, rows) => { session.output.progress(` ${words[0]} ${table}: ${grouped(rows)} rows`); });
    const [code, signal] = await ended;
    return result ?? fail(lostBy(words[0], code, signal));
  } finally { forward.stop(); }
}
/** Reads what the program says, line by line. Null when it ended without its last word. @throws ApiError with the failure that it told */
async function resultOf(child: ChildProcessByStdio<null, Readable, null>, onTable: (table: string, rows: number) => void): Promise<unknown> {
  let result: unknown = null;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = Line.parse(JSON.parse(text));
    if ('failure' in line) throw new ApiError(line.failure, errorTable[line.failure.code].http);
    if ('result' in line) result = line.result;
    else if ('table' in line) onTable(line.table, line.rows);
  }
  return result;
}
function fail(failure: Failure): never { throw new ApiError(failure, null); }
