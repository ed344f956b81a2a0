import { ApiError } from '@agent-etl/api-client';
import { issuesInFile } from '@agent-etl/planning';
import type { WrittenFile } from './what-to-run.ts';

/** Asks for what a file says, and tells what the answer finds wrong with it by the lines of the file. */
export async function inFile<T>(file: WrittenFile | undefined, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ApiError) || !file || !error.failure.issues) throw error;
    throw new ApiError({ ...error.failure, issues: issuesInFile(error.failure.issues, file) }, error.status, error);
  }
}
