/** The day so many days after 1970-01-01 in the Gregorian calendar, as ISO text. */
export function calendarDay(days: number): string {
  const shifted = days + 719_468; // from 1 March of year 0
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const year = Math.floor((ofEra - Math.floor(ofEra / 1_460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365);
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const part = Math.floor((5 * ofYear + 2) / 153);
  const month = part < 10 ? part + 3 : part - 9;
  return [String(year + era * 400 + (month <= 2 ? 1 : 0)).padStart(4, '0'), String(month).padStart(2, '0'), String(ofYear - Math.floor((153 * part + 2) / 5) + 1).padStart(2, '0')].join('-');
}
