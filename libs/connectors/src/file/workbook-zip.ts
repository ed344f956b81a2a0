import { EtlError } from '@agent-etl/contracts';
import { SaxesParser } from 'saxes';
import yauzl from 'yauzl';
import { isBomb } from './packed-file.ts';

/** Files in a workbook: more is no workbook. */
const MOST_ENTRIES = 10_000;
export interface Element { readonly name: string; readonly attributes: Readonly<Record<string, string>> }
/** Is told of one part of a workbook as it passes. `flush` is waited for now and then. */
export interface Listener { open?(element: Element): void; text?(text: string): void; close?(name: string): void; flush?(): Promise<void> }

/** The parts of a workbook. Nothing in it is run, and nothing it points to is opened. */
export class WorkbookZip {
  private constructor(private readonly zip: yauzl.ZipFile, private readonly entries: ReadonlyMap<string, yauzl.Entry>, private readonly name: string) {}

  /** @throws EtlError `data.format-invalid` for anything but a workbook, `file.forbidden` for one that unpacks to too much */
  static async open(path: string, name: string): Promise<WorkbookZip> {
    const zip = await new Promise<yauzl.ZipFile>((done, fail) => {
      yauzl.open(path, { lazyEntries: true, autoClose: false, validateEntrySizes: true }, (error, opened) => { if (error) fail(notWorkbook(name, error)); else done(opened); });
    });
    try {
      const entries = new Map<string, yauzl.Entry>();
      await new Promise<void>((done, fail) => {
        zip.on('error', (error: unknown) => { fail(notWorkbook(name, error)); });
        zip.on('end', () => { done(); });
        zip.on('entry', (entry: yauzl.Entry) => {
          if (isBomb(entry.compressedSize, entry.uncompressedSize)) { fail(new EtlError('file.forbidden', { file: name, reason: 'it unpacks to more than 200 times its size' })); return; }
          entries.set(entry.fileName.toLowerCase(), entry);
          if (entries.size > MOST_ENTRIES) fail(notWorkbook(name)); else zip.readEntry();
        });
        zip.readEntry();
      });
      if (!entries.has('xl/workbook.xml')) throw notWorkbook(name);
      return new WorkbookZip(zip, entries, name);
    } catch (error) {
      zip.close();
      throw error;
    }
  }
  /** Reads one part from its beginning to its end. Answers false when there is none. */
  async read(part: string, { open, text, close, flush }: Listener): Promise<boolean> {
    const entry = this.entries.get(part.toLowerCase());
    if (!entry) return false;
    const parser = new SaxesParser();
    const heard: { problem?: unknown } = {};
    parser.on('error', (error) => { heard.problem ??= error; });
    parser.on('doctype', () => { heard.problem ??= new Error('it has a document type'); }); // no workbook has one, and it could name files
    if (open) parser.on('opentag', ({ name, attributes }) => { open({ name: name.replace(/^.*:/, ''), attributes: attributes as Record<string, string> }); });
    if (text) parser.on('text', text);
    if (close) parser.on('closetag', ({ name }) => { close(name.replace(/^.*:/, '')); });
    const decoder = new TextDecoder('utf-8', { fatal: true });
    try {
      for await (const bytes of await this.stream(entry)) {
        parser.write(decoder.decode(bytes, { stream: true }));
        if (heard.problem !== undefined) throw heard.problem as Error;
        await flush?.();
      }
      parser.write(decoder.decode()).close();
      if (heard.problem !== undefined) throw heard.problem as Error;
      return true;
    } catch (cause) {
      if (cause instanceof EtlError) throw cause;
      throw new EtlError('data.format-invalid', { file: this.name, format: 'xlsx', place: part, problem: 'it is damaged' }, { cause });
    }
  }
  private stream(entry: yauzl.Entry): Promise<AsyncIterable<Buffer>> {
    return new Promise((done, fail) => { this.zip.openReadStream(entry, (error, stream) => { if (error) fail(error); else done(stream as AsyncIterable<Buffer>); }); });
  }
  close(): void { this.zip.close(); }
}
const notWorkbook = (file: string, cause?: unknown): EtlError => new EtlError('data.format-invalid', { file, format: 'xlsx', place: 'its first bytes', problem: 'it is no workbook of Excel 2007 or newer' }, { cause });
