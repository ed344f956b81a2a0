// Civil-date arithmetic (Howard Hinnant, days_from_civil and its inverse): pure code knows no clock and no Date.
const pad = (value: number, width: number): string => String(value).padStart(width, '0');
/** An instant `ms` later. Instants are UTC with milliseconds, as the database writes them, and compare as texts. */
export function later(instant: string, ms: number): string {
  const [, y, mo, d, h, mi, s, f] = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{3}))?/.exec(instant)!.map(Number);
  const year = mo! <= 2 ? y! - 1 : y!;
  const era = Math.floor(year / 400);
  const dayOfYear = Math.floor((153 * (mo! + (mo! > 2 ? -3 : 9)) + 2) / 5) + d! - 1;
  const days = era * 146_097 + (year - era * 400) * 365 + Math.floor((year - era * 400) / 4) - Math.floor((year - era * 400) / 100) + dayOfYear;
  const total = ((days * 24 + h!) * 60 + mi!) * 60_000 + s! * 1000 + (Number.isNaN(f) ? 0 : f ?? 0) + ms;
  return `${dateOf(Math.floor(total / 86_400_000))}T${timeOf(total - Math.floor(total / 86_400_000) * 86_400_000)}Z`;
}
function dateOf(days: number): string {
  const era = Math.floor(days / 146_097);
  const day = days - era * 146_097;
  const year = Math.floor((day - Math.floor(day / 1460) + Math.floor(day / 36_524) - Math.floor(day / 146_096)) / 365);
  const dayOfYear = day - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const month = Math.floor((5 * dayOfYear + 2) / 153);
  return `${pad(year + era * 400 + (month >= 10 ? 1 : 0), 4)}-${pad(month < 10 ? month + 3 : month - 9, 2)}-${pad(dayOfYear - Math.floor((153 * month + 2) / 5) + 1, 2)}`;
}
const timeOf = (ms: number): string => `${pad(Math.floor(ms / 3_600_000), 2)}:${pad(Math.floor(ms / 60_000) % 60, 2)}:${pad(Math.floor(ms / 1000) % 60, 2)}.${pad(ms % 1000, 3)}`;
