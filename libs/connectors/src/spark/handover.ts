import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const PREFIX = 'agent-etl-';
/** No attempt comes back to what is older: a load whose runs have ended left it. */
const FORGOTTEN_MS = 7 * 24 * 3_600_000;

/** Folder of one operation below the folder that workers and Spark share. */
export const folderOf = (handover: string, operation: string): string => join(handover, `${PREFIX}${operation}`);

/** Makes the folder of an operation, and removes those that nobody has come back to for a week.
 * @param now milliseconds since 1970 */
export async function makeFolder(handover: string, operation: string, now = Date.now()): Promise<void> {
  await mkdir(folderOf(handover, operation), { recursive: true });
  const names = (await readdir(handover)).filter((name) => name.startsWith(PREFIX));
  await Promise.all(names.map(async (name) => {
    const found = await stat(join(handover, name)).catch(() => null); // another worker may have removed it
    if (found && now - found.mtimeMs > FORGOTTEN_MS) await rm(join(handover, name), { recursive: true, force: true, maxRetries: 3 });
  }));
}
