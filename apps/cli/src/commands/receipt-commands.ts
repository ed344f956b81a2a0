import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EtlError, endpoints } from '@agent-etl/contracts';
import { receiptScreen } from '../screens/run-screen.ts';
import { type ExitCode, exitCodes } from '../session/exit-codes.ts';
import type { Session } from '../session/session.ts';
import { findRun } from './find-run.ts';
import { verifyReceipt } from './verify-receipt.ts';

/** Public half of the key with which the standalone of a project folder signs. */
export const publicKeyFile = (projectDir: string): string => join(projectDir, '.agent-etl', 'keys', 'receipts.pub.pem');

export async function showReceiptCommand(session: Session, text: string, { out }: { out?: string }): Promise<ExitCode> {
  const client = await session.client();
  const run = await findRun(client, text);
  const receipt = await client.call(endpoints.getReceipt, { params: { runId: run.runId } });
  if (out) await writeFile(resolve(session.cwd, out), `${JSON.stringify(receipt, null, 2)}\n`);
  session.output.result(receipt, () => receiptScreen(receipt));
  return exitCodes.green;
}
const fileText = (file: string, what: string): Promise<string> => readFile(file, 'utf8').catch((cause: unknown) => { throw new EtlError('receipt.invalid', { problem: `the ${what} ${file} cannot be read`, next: what === 'key' ? 'name the public key: --key FILE' : 'write one: agent-etl receipt show RUN --out FILE' }, { cause }); });
const parsed = (text: string): unknown => { try { return JSON.parse(text) as unknown; } catch { return null; } };

/** Checks a receipt without any server: all it needs is the file and the public key. */
export async function verifyReceiptCommand(session: Session, file: string, { key }: { key?: string }): Promise<ExitCode> {
  const pem = await fileText(key ? resolve(session.cwd, key) : publicKeyFile(session.projectDir), 'key');
  const value = parsed(await fileText(resolve(session.cwd, file), 'receipt'));
  // `run --json` writes the receipt inside the run; both are accepted.
  const receipt = verifyReceipt(Object(value).receipt ?? value, pem);
  session.output.result({ ok: true, receipt }, () => [` ${session.output.paint('green', 'valid')}   signed with key ${receipt.keyId}`, ...receiptScreen(receipt)]);
  return exitCodes.green;
}
