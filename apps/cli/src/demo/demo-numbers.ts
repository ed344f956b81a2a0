/** Inputs and outcomes of the demo. They were computed by DuckDB straight from the published files, by statements that share no code with the product. */
export const demoPackage = 'vega-datasets@3.2.1';
export const flightsFile = { name: 'flights-3m.parquet', sha256: 'dbeb920c90f59b6ccaff823dcc3d08f25a97fa1ce128d93f40be4e931f5900b0', rows: 3_000_000 } as const;
export const airportsFile = { name: 'airports.csv', sha256: '903c7169e6d558eefb95295fe2947ec8503135fbb855ea5c737cf4a90ea603ad', rows: 3376 } as const;

/** Flights that ops holds at the start, and the keyed digest of them: key `demo`, count, two sums of md5 lanes. */
export const flights = { read: 2_984_094, filtered: 0, rejected: 0, written: 2_984_094, digest: '2984094:1721162918146606448892895:1720270816476431339552836' } as const;
export const flightColumns = [
  { name: 'flight_id', kind: 'i64' }, { name: 'departed_at', kind: 'ts' }, { name: 'delay_min', kind: 'i32' }, { name: 'distance_mi', kind: 'i32' },
  { name: 'origin', kind: 'text' }, { name: 'destination', kind: 'text' }, { name: 'updated_at', kind: 'tstz' },
] as const;
export const digestKey = 'demo';
