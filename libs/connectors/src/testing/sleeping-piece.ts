import type { ChunkWriter, SinkSession } from '../port.ts';

/** Rows of the one piece that a sleeping writer writes. */
export const ROWS = 20;
export async function writeRows(piece: ChunkWriter): Promise<'written' | 'redo'> {
  piece.to.write(Buffer.from(Array.from({ length: ROWS }, (_, row) => `"${row}","new"\n`).join('')));
  return piece.commit({ rows: ROWS, rejected: 0, bytes: 1, digest: null });
}
/** Does the work of a writer, tidies up after a refusal, and says how it ended. */
export async function sayHowItEnds(sink: SinkSession, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
    process.stdout.write('published');
  } catch (error) {
    await sink.discard();
    process.stdout.write((error as { code?: string }).code ?? String(error));
  } finally {
    await sink.close();
  }
}
