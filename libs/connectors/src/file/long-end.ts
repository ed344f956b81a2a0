import { EtlError } from '@agent-etl/contracts';
import { open } from 'node:fs/promises';

const BLOCK = 256 * 1024;
const [LINE_END, CARRIAGE, QUOTE] = [0x0a, 0x0d, 0x22];
interface Text { readonly name: string; readonly path: string; readonly bytes: number }

/** Refuses a text whose last row is longer than a row may be: the engine drops a last row that is longer than its buffer, and says nothing. Reads backwards from the end, as a rule one block: there a quote
 * that is not closed cannot be, so an even number of them behind a line end says that it ends a row.
 * @param limit bytes of a row
 * @throws EtlError `data.row-too-large` */
export async function refuseLongEnd({ name, path, bytes }: Text, { limit, quote }: { readonly limit: number; readonly quote: 'cells' | 'none' }): Promise<void> {
  if (bytes <= limit) return;
  const file = await open(path, 'r');
  try {
    const block = Buffer.alloc(BLOCK);
    let quotes = 0;
    let isRow = false; // line ends at the very end are none
    for (let end = bytes; end > 0 && bytes - end <= limit; end -= BLOCK) {
      const from = Math.max(0, end - BLOCK);
      const { bytesRead } = await file.read(block, 0, end - from, from);
      for (let at = bytesRead - 1; at >= 0; at -= 1) {
        const byte = block[at];
        if (byte === QUOTE && quote === 'cells') quotes += 1;
        if (byte !== LINE_END && byte !== CARRIAGE) isRow = true;
        else if (byte === LINE_END && isRow && quotes % 2 === 0) return;
      }
    }
    throw tooLong(name, limit);
  } finally {
    await file.close();
  }
}
export const tooLong = (name: string, limit: number): EtlError => new EtlError('data.row-too-large', { row: `at the end of ${name}`, size: 'longer than a line may be', limit: `${limit / 2 ** 20} MB` });
