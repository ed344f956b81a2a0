import { EtlError, didYouMean } from '@agent-etl/contracts';
import { open } from 'node:fs/promises';
import { type Shown, columnOf, dayText, shownBy } from './workbook-cells-rules.ts';
import { WorkbookZip } from './workbook-zip.ts';

/** Letters that all texts of a workbook may have, which are kept while a sheet is read. */
const MOST_LETTERS = 64 * 1024 * 1024;
const MOST_COLUMNS = 16_384;
const WRITE_AT = 64 * 1024;
export interface Sheet { readonly path: string; readonly name: string; readonly sheet: string | null }

/** Writes one sheet as CSV text, every cell quoted, nothing where there is no cell. Formulas give the value that was last computed; days and times are ISO by the format of their cell; rows without any
 * value are left out. The first row that has one names the columns.
 * @throws EtlError `source.not-found` with the names of the sheets, `data.format-invalid`, `request.too-large` */
export async function sheetToCsv({ path, name, sheet }: Sheet, to: string): Promise<void> {
  const zip = await WorkbookZip.open(path, name);
  try {
    const book = await readBook(zip);
    const found = sheet === null ? book.sheets[0] : book.sheets.find((each) => each.name === sheet);
    if (!found) {
      const names = book.sheets.map((each) => each.name);
      throw new EtlError('source.not-found', { connection: name, what: 'sheet', name: sheet ?? 'at all', nearest: `${didYouMean(sheet ?? '', names) ?? ''} It has ${names.slice(0, 20).join(', ')}.`.trim() });
    }
    await writeSheet(zip, { part: found.part, name, system: book.system, texts: await readTexts(zip, name), shown: await readStyles(zip) }, to);
  } finally {
    zip.close();
  }
}
async function readBook(zip: WorkbookZip): Promise<{ sheets: { name: string; part: string }[]; system: 1900 | 1904 }> {
  const parts = new Map<string, string>();
  await zip.read('xl/_rels/workbook.xml.rels', { open: ({ name, attributes: { Id = '', Target = '', TargetMode } }) => {
    if (name === 'Relationship' && TargetMode !== 'External') parts.set(Id, Target.startsWith('/') ? Target.slice(1) : `xl/${Target}`);
  } });
  const sheets: { name: string; part: string }[] = [];
  let system: 1900 | 1904 = 1900;
  await zip.read('xl/workbook.xml', { open: ({ name, attributes }) => {
    if (name === 'workbookPr' && /^(1|true)$/.test(attributes['date1904'] ?? '')) system = 1904;
    const part = name === 'sheet' ? parts.get(attributes['r:id'] ?? '') : undefined;
    if (part !== undefined && part.includes('worksheets/')) sheets.push({ name: attributes['name'] ?? '', part });
  } });
  return { sheets, system };
}
async function readTexts(zip: WorkbookZip, name: string): Promise<string[]> {
  const texts: string[] = [];
  let [letters, text, isText, phonetic] = [0, '', false, 0];
  await zip.read('xl/sharedStrings.xml', {
    open: (element) => {
      if (element.name === 'si') text = '';
      if (element.name === 'rPh') phonetic += 1;
      isText = element.name === 't' && phonetic === 0;
    },
    text: (more) => { if (isText) text += more; },
    close: (closed) => {
      isText = false;
      if (closed === 'rPh') phonetic -= 1;
      if (closed !== 'si') return;
      letters += text.length;
      if (letters > MOST_LETTERS) throw new EtlError('request.too-large', { what: `the texts of ${name} together`, size: `more than ${MOST_LETTERS} letters`, limit: `${MOST_LETTERS} letters`, next: 'save the sheet as CSV' });
      texts.push(unescaped(text));
    },
  });
  return texts;
}
/** Letters that XML has no place for are spelled `_x000D_`. */
const unescaped = (text: string): string => text.replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));

async function readStyles(zip: WorkbookZip): Promise<Shown[]> {
  const codes = new Map<number, string>();
  const shown: Shown[] = [];
  let isCells = false;
  await zip.read('xl/styles.xml', {
    open: ({ name, attributes }) => {
      if (name === 'numFmt') codes.set(Number(attributes['numFmtId']), attributes['formatCode'] ?? '');
      if (name === 'cellXfs') isCells = true;
      if (name === 'xf' && isCells) { const id = Number(attributes['numFmtId'] ?? 0); shown.push(shownBy(id, codes.get(id))); }
    },
    close: (name) => { if (name === 'cellXfs') isCells = false; },
  });
  return shown;
}

interface Reading { readonly part: string; readonly name: string; readonly system: 1900 | 1904; readonly texts: readonly string[]; readonly shown: readonly Shown[] }
async function writeSheet(zip: WorkbookZip, reading: Reading, to: string): Promise<void> {
  const file = await open(to, 'wx', 0o600);
  const rows = new SheetRows(reading);
  try {
    const isThere = await zip.read(reading.part, { open: (element) => { rows.open(element); }, text: (text) => { rows.text(text); }, close: (name) => { rows.close(name); },
      flush: async () => { if (rows.out.length > WRITE_AT) await file.writeFile(rows.take()); } });
    if (!isThere) throw new EtlError('data.format-invalid', { file: reading.name, format: 'xlsx', place: reading.part, problem: 'it is missing' });
    await file.writeFile(rows.take());
  } finally {
    await file.close();
  }
}

/** Turns the elements of a sheet into lines. One row is held at a time. */
class SheetRows {
  out = '';
  private readonly cells: (string | null)[] = [];
  private width = 0;
  private row = 0;
  private column = -1;
  private type = 'n';
  private style = 0;
  private value: string | null = null;
  private isValue = false;
  constructor(private readonly reading: Reading) {}

  take(): string { const text = this.out; this.out = ''; return text; }

  open({ name, attributes }: { name: string; attributes: Readonly<Record<string, string>> }): void {
    if (name === 'row') {
      this.row = Number(attributes['r'] ?? this.row + 1);
      this.column = -1;
      this.cells.length = 0;
    } else if (name === 'c') {
      this.column = attributes['r'] === undefined ? this.column + 1 : columnOf(attributes['r']);
      if (this.column < 0 || this.column >= MOST_COLUMNS) throw this.damaged('a cell without a place');
      [this.type, this.style, this.value] = [attributes['t'] ?? 'n', Number(attributes['s'] ?? 0), null];
    }
    this.isValue = name === 'v' || (name === 't' && this.type === 'inlineStr');
    if (this.isValue) this.value ??= '';
  }
  text(more: string): void { if (this.isValue) this.value += more; }
  close(name: string): void {
    this.isValue = false;
    if (name === 'c' && this.value !== null) {
      while (this.cells.length < this.column) this.cells.push(null);
      this.cells[this.column] = this.shown(this.value);
    } else if (name === 'row') this.line();
  }
  private shown(value: string): string | null {
    const { texts, shown, system } = this.reading;
    switch (this.type) {
      case 's': return texts[Number(value)] ?? null;
      case 'b': return value === '1' ? 'true' : 'false';
      case 'n': return value === '' ? null : dayText(value, shown[this.style] ?? 'number', system);
      case 'd': return value.replace('T', ' ');
      default: return unescaped(value); // str and inlineStr; e, an error such as #N/A, stays what the reader saw
    }
  }
  private line(): void {
    if (this.cells.every((cell) => cell === null)) return;
    if (this.width === 0) this.width = this.cells.findLastIndex((cell) => cell !== null) + 1;
    const beyond = this.cells.findIndex((cell, index) => index >= this.width && cell !== null);
    if (beyond >= 0) throw this.damaged(`it has a value in column ${beyond + 1}, and the first row names ${this.width}`);
    for (let index = 0; index < this.width; index += 1) {
      const cell = this.cells[index] ?? null;
      this.out += `${index > 0 ? ',' : ''}${cell === null ? '' : `"${cell.replaceAll('"', '""')}"`}`;
    }
    this.out += '\n';
  }
  private damaged(problem: string): EtlError { return new EtlError('data.format-invalid', { file: this.reading.name, format: 'xlsx', place: `row ${this.row}`, problem }); }
}
