const CLOCKS: Readonly<Record<string, 'date' | 'ts'>> = { current_date: 'date', current_timestamp: 'ts', get_current_timestamp: 'ts', localtimestamp: 'ts', now: 'ts', today: 'date' };
/** What a word tells of the time of a run, in UTC, where no column has that name; null for any other word. */
export const clockNamed = (name: string): 'date' | 'ts' | null => (Object.hasOwn(CLOCKS, name.toLowerCase()) ? CLOCKS[name.toLowerCase()] ?? null : null);
