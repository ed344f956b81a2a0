/** Inputs and outcomes of the demo. They were computed by DuckDB straight from the published files, by statements that share no code with the product. */
export const demoPackage = 'vega-datasets@3.2.1';
export const flightsFile = { name: 'flights-3m.parquet', sha256: 'dbeb920c90f59b6ccaff823dcc3d08f25a97fa1ce128d93f40be4e931f5900b0', rows: 3_000_000 } as const;
export const airportsFile = { name: 'airports.csv', sha256: '903c7169e6d558eefb95295fe2947ec8503135fbb855ea5c737cf4a90ea603ad', rows: 3376 } as const;

export const moviesFile = { name: 'movies.json', sha256: 'e63c499759e3b07b49563e036f55290f87feb56def8703ec049ca305ab1523d3', rows: 3201 } as const;

/** Flights that ops holds at the start, and the keyed digest of them: key `demo`, count, two sums of md5 lanes. */
export const flights = { read: 2_984_094, filtered: 0, rejected: 0, written: 2_984_094, digest: '2984094:1721162918146606448892895:1720270816476431339552836' } as const;
/** The films that keep their checks, and those that do not, by reason with the first row of each; then what only the right rows and digits add up to. */
export const films = { read: 3201, filtered: 0, rejected: 25, written: 3176, gross: '271761411461', votes: '88764247' } as const;
export const badFilms = [{ reason: 'range:released', rows: 22, row: 10 }, { reason: 'in:mpaa', rows: 2, row: 2172 }, { reason: 'not_null:title', rows: 1, row: 3054 }] as const;
/** Flights by day and airport: what is left out, what is grouped, and sums over all groups. */
export const delays = { read: 2_984_094, filtered: 3, rejected: 0, grouped: 2_984_091, written: 39_728, sums: '39728 groups, 2984091 flights, 593945 late, 19703972 minutes, 1688 at worst, 180 days, 229 airports, 0 without a name',
  joined: { with: 'files:airports.csv', kind: 'left', left: 39_728, right: 3376, out: 39_728, matched: 39_728, unmatched: 0, most: 1 }, digest: '39728:22954063259226392598664:22894204555064175355967' } as const;
/** What comes later: flights of the next day, some of them of an earlier one, and two corrections; then what the run that follows must say. */
export const batchTwo = { rows: 15_906, late: 274, from: 2_984_095 } as const;
export const corrections = [{ flight: 869_089, was: -953, is: 487 }, { flight: 949_802, was: -1116, is: 324 }] as const;
export const changed = { read: 33_182, filtered: 17_274, rejected: 0, written: 15_908, inserted: 15_906, updated: 2, rows: 3_000_000, digest: '3000000:1730264116640884245751602:1729483999768646908509252' } as const;
/** The same run once more: what the overlap reads again, and nothing else. */
export const unchanged = { read: 2, filtered: 2, rejected: 0, written: 0 } as const;
export const flightColumns = [
  { name: 'flight_id', kind: 'i64' }, { name: 'departed_at', kind: 'ts' }, { name: 'delay_min', kind: 'i32' }, { name: 'distance_mi', kind: 'i32' },
  { name: 'origin', kind: 'text' }, { name: 'destination', kind: 'text' }, { name: 'updated_at', kind: 'tstz' },
] as const;
export const delayColumns = [
  { name: 'day', kind: 'date' }, { name: 'origin', kind: 'text' }, { name: 'airport', kind: 'text' }, { name: 'state', kind: 'text' }, { name: 'flights', kind: 'i64' }, { name: 'late', kind: 'i64' }, { name: 'delay_min', kind: 'i64' }, { name: 'worst_min', kind: 'i32' },
] as const;
export const digestKey = 'demo';
