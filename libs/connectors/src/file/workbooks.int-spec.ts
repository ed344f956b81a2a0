import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type AFolder, aFolder, aLoad, aPublish, aWriter, stage } from './testing/a-folder.ts';
import { workbookOf, zipOf } from './testing/a-workbook.ts';
import { columnOf, dayText, shownBy } from './workbook-cells-rules.ts';

const { signal } = new AbortController();
let folder: AFolder;
beforeAll(async () => { folder = await aFolder(); });
afterAll(() => folder.drop());

const PRICES = `<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="inlineStr"><is><t>day</t></is></c><c r="D1" t="inlineStr"><is><t>at</t></is></c><c r="E1" t="inlineStr"><is><t>clock</t></is></c><c r="F1" t="inlineStr"><is><t>is_new</t></is></c><c r="G1" t="inlineStr"><is><t>sum</t></is></c></row>
<row r="2"><c r="A2"><v>1</v></c><c r="B2" t="s"><v>2</v></c><c r="C2" s="1"><v>45292</v></c><c r="D2" s="2"><v>45292.75</v></c><c r="E2" s="3"><v>0.5</v></c><c r="F2" t="b"><v>1</v></c><c r="G2"><f>A2*2.5</f><v>2.5</v></c></row><row r="3" s="1"/>
<row r="4"><c r="A4"><v>2</v></c><c r="C4" s="1"><v>1</v></c><c r="D4" s="2"><v>61</v></c><c r="F4" t="b"><v>0</v></c><c r="G4" t="str"><f>"x"</f><v>7.25</v></c></row>`;
const NOTES = '<row><c t="inlineStr"><is><t>id</t></is></c><c t="inlineStr"><is><t>note</t></is></c></row><row><c><v>1</v></c><c t="s"><v>3</v></c></row>';
const TEXTS = ['id', 'label', 'a, "b"\n& c', '<r><t>rich </t></r><r><t>text</t></r><rPh><t>not this</t></rPh>'];

describe('a workbook', () => {
  it('is read sheet by sheet, typed as a CSV is, its days by the format of their cells', async () => {
    await folder.write('prices.xlsx', workbookOf({ Prices: PRICES, 'More notes': NOTES }, { texts: TEXTS }));
    const open = await folder.open();
    const profile = await open.profile('prices.xlsx', 'source');
    expect([profile.system, profile.rows, profile.columns.map(({ name, type }) => `${name} ${type.kind}`)]).toEqual(['xlsx', 2, ['id i64', 'label text', 'day date', 'at ts', 'clock time', 'is_new bool', 'sum f64']]);
    const task = aLoad(profile, 'out.csv');
    const sink = await open.sink.begin(task, aWriter());
    const { rows } = await stage(open, sink, task);
    await sink.publish(aPublish(task), { rows, digest: await sink.stagedDigest(aPublish(task), signal) });
    expect(await readFile(join(folder.root, 'out.csv'), 'utf8')).toBe('id,label,day,at,clock,is_new,sum\n1,"a, ""b""\n& c",2024-01-01,2024-01-01 18:00:00,12:00:00,true,2.5\n2,,1900-01-01,1900-03-01 00:00:00,,false,7.25\n');
    expect((await open.profile('prices.xlsx#More notes', 'source')).columns.map(({ name }) => name)).toEqual(['id', 'note']);
    expect((await open.inspect('datasets')).datasets.map(({ name }) => name)).toContain('prices.xlsx');
    expect(await readdir(folder.tools.scratch)).toEqual([]);
  });
  it('names its sheets where one is asked for that it has not, and what it is where it is none', async () => {
    const open = await folder.open();
    await expect(open.profile('prices.xlsx#Price', 'source')).rejects.toMatchObject({ code: 'source.not-found', details: { nearest: expect.stringContaining('It has Prices, More notes.') } });
    await expect(open.profile('price.xlsx', 'source')).rejects.toMatchObject({ code: 'source.not-found', details: { nearest: expect.stringContaining('prices.xlsx') } });
    await expect(open.profile('new.xlsx', 'target')).rejects.toMatchObject({ code: 'request.unsupported' });
    for (const [name, bytes] of [['text.xlsx', Buffer.from('id,name\n1,x\n')], ['zip.xlsx', zipOf({ 'a.txt': 'x' })], ['cut.xlsx', workbookOf({ A: NOTES }).subarray(0, 700)]] as const) {
      await folder.write(name, bytes);
      await expect(open.profile(name, 'source')).rejects.toMatchObject({ code: 'data.format-invalid', details: { file: name } });
    }
    await folder.write('book.csv', workbookOf({ A: NOTES }));
    await expect(open.profile('book.csv', 'source')).rejects.toMatchObject({ code: 'data.format-invalid' });
  });
  it('refuses what unpacks to too much, lies about it, or declares entities, and reads nothing beside itself', async () => {
    const open = await folder.open();
    const bomb = zipOf({ 'xl/workbook.xml': '<workbook/>', 'xl/big.xml': Buffer.alloc(1_000_000) }, { 'xl/big.xml': 2 ** 31 });
    await folder.write('bomb.xlsx', bomb);
    await expect(open.profile('bomb.xlsx', 'source')).rejects.toMatchObject({ code: 'file.forbidden' });
    const entities = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><worksheet><sheetData><row><c t="str"><v>&e;</v></c></row></sheetData></worksheet>';
    await folder.write('entity.xlsx', workbookOf({ A: NOTES }, { texts: TEXTS, parts: { 'xl/worksheets/sheet1.xml': entities } }));
    await expect(open.profile('entity.xlsx', 'source')).rejects.toMatchObject({ code: 'data.format-invalid' });
    await folder.write('wide.xlsx', workbookOf({ A: `${NOTES}<row r="9"><c r="A9"><v>1</v></c><c r="C9"><v>2</v></c></row>` }, { texts: TEXTS }));
    await expect(open.profile('wide.xlsx', 'source')).rejects.toMatchObject({ code: 'data.format-invalid', details: { place: 'row 9' } });
  });
});
describe('cells of a workbook', () => {
  it.each([['A1', 0], ['Z9', 25], ['AA1', 26], ['XFD1048576', 16_383], ['1', -1]])('%s is column %i', (place, column) => { expect(columnOf(place)).toBe(column); });
  it.each([
    [14, undefined, 'date'], [22, undefined, 'moment'], [2, undefined, 'number'], [164, 'dd.mm.yyyy', 'date'], [164, 'h:mm AM/PM', 'time'], [164, '[h]:mm:ss', 'number'], [164, '#,##0.00 "days"', 'number'], [164, 'mmm', 'date'], [164, '[$-409]d/m/yy h:mm;@', 'moment'], [164, '0.00E+00', 'number'], [164, 'General', 'number'],
  ] as const)('format %i %s shows a %s', (id, code, shown) => { expect(shownBy(id, code)).toBe(shown); });
  it.each([
    ['59', 'date', 1900, '1900-02-28'], ['60', 'date', 1900, '60'], ['61', 'date', 1900, '1900-03-01'], ['0', 'date', 1904, '1904-01-01'], ['45292.999999999', 'moment', 1900, '2024-01-02 00:00:00'], ['45292.5', 'date', 1900, '2024-01-01 12:00:00'],
    ['0.0000115740740740741', 'time', 1900, '00:00:01'], ['-1', 'date', 1900, '-1'], ['1.5', 'number', 1900, '1.5'], ['2958465', 'date', 1900, '9999-12-31'],
  ] as const)('%s shown as %s since %i is %s', (number, shown, system, text) => { expect(dayText(number, shown, system)).toBe(text); });
});
