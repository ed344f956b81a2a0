import { calendarDay } from '../calendar-day-rules.ts';

/** A workbook as a dataset: `book.xlsx` is its first sheet, `book.xlsx#Prices` the one of that name. */
export interface WorkbookDataset { readonly file: string; readonly sheet: string | null }
export function workbookDataset(dataset: string): WorkbookDataset | null {
  const [, file, sheet] = /^(.+\.xlsx)(?:#(.+))?$/i.exec(dataset) ?? [];
  return file === undefined ? null : { file, sheet: sheet ?? null };
}
/** Column of a cell's place, from 0: `A1` is 0, `AB7` is 27; -1 when it is none. */
export function columnOf(place: string): number {
  let column = 0;
  for (const letter of /^[A-Z]{1,3}(?=\d)/.exec(place)?.[0] ?? '') column = column * 26 + letter.charCodeAt(0) - 64;
  return column - 1;
}
/** What a number format makes of a number. */
export type Shown = 'number' | 'date' | 'time' | 'moment';
const BUILT_IN: Readonly<Record<number, Shown>> = { 14: 'date', 15: 'date', 16: 'date', 17: 'date', 18: 'time', 19: 'time', 20: 'time', 21: 'time', 22: 'moment', 45: 'time', 46: 'number', 47: 'time' };
/** @param code the format of a number as its user wrote it, for those that are not built in */
export function shownBy(id: number, code: string | undefined): Shown {
  if (code === undefined) return BUILT_IN[id] ?? ((id >= 27 && id <= 36) || (id >= 50 && id <= 58) ? 'date' : 'number');
  if (/\[(h+|m+|s+)\]/i.test(code)) return 'number'; // a duration, which may be longer than a day
  const bare = (code.split(';')[0] ?? '').replaceAll(/"[^"]*"|\\.|\[[^\]]*\]|_.|\*./g, '').replaceAll(/general|am\/pm|a\/p/gi, '').toLowerCase();
  const hasTime = /[hs]/.test(bare);
  const hasDay = /[yd]/.test(bare) || (/m/.test(bare) && !hasTime);
  return hasDay ? hasTime ? 'moment' : 'date' : hasTime ? 'time' : 'number';
}
const DAY_MS = 86_400_000;
/** Days from the first of a system of dates to 1970-01-01. The one of 1900 has a 29 February 1900 that never was. */
const TO_1970 = { 1900: 25_569, 1904: 24_107 } as const;
const LAST_BEFORE_GAP = 60;

/** A number of days as ISO text of what its format shows; the number as it stands where that is no day. */
export function dayText(number: string, shown: Shown, system: 1900 | 1904): string {
  const value = Number(number);
  if (shown === 'number' || !Number.isFinite(value) || value < 0) return number;
  let day = Math.floor(value);
  let ms = Math.round((value - day) * DAY_MS);
  if (ms === DAY_MS) { day += 1; ms = 0; }
  const two = (part: number): string => String(Math.floor(part)).padStart(2, '0');
  const clock = `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1_000) % 60)}${ms % 1_000 === 0 ? '' : `.${String(ms % 1_000).padStart(3, '0')}`}`;
  if (shown === 'time' && day === 0) return clock;
  if (system === 1900 && (day === 0 || day === LAST_BEFORE_GAP)) return number;
  const date = calendarDay(day - TO_1970[system] + (system === 1900 && day < LAST_BEFORE_GAP ? 1 : 0));
  return shown === 'date' && ms === 0 ? date : `${date} ${clock}`;
}
