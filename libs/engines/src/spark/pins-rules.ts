/** What a session must say before anything runs in it: each is set, read back and compared. The first block keeps a statement from meaning something else than we printed, the second keeps
 * numbers and times exact, the third keeps files whole. Meanings: configuration page of Spark SQL, release 4.3. */
export const sparkPins: Readonly<Record<string, string>> = {
  'spark.sql.variable.substitute': 'false', 'spark.sql.parser.escapedStringLiterals': 'false', 'spark.sql.legacy.consecutiveStringLiterals.enabled': 'false', 'spark.sql.ansi.doubleQuotedIdentifiers': 'false',
  'spark.sql.runSQLOnFiles': 'false', 'spark.sql.caseSensitive': 'false',
  // A product that needs more than 38 digits ends the statement; by default Spark would cut digits after the point.
  'spark.sql.ansi.enabled': 'true', 'spark.sql.decimalOperations.allowPrecisionLoss': 'false', 'spark.sql.session.timeZone': 'UTC', 'spark.sql.timestampType': 'TIMESTAMP_NTZ', 'spark.sql.legacy.sizeOfNull': 'false',
  'spark.sql.files.ignoreCorruptFiles': 'false', 'spark.sql.files.ignoreMissingFiles': 'false', 'spark.sql.parquet.binaryAsString': 'false', 'spark.sql.parquet.inferTimestampNTZ.enabled': 'true',
  'spark.sql.parquet.outputTimestampType': 'TIMESTAMP_MICROS', 'spark.sql.parquet.datetimeRebaseModeInRead': 'CORRECTED', 'spark.sql.parquet.datetimeRebaseModeInWrite': 'CORRECTED', 'spark.sql.parquet.compression.codec': 'zstd',
};

/** Pins that the session does not say, by name. */
export const differingPins = (found: ReadonlyMap<string, string>): string[] => Object.entries(sparkPins).filter(([name, value]) => found.get(name)?.toLowerCase() !== value.toLowerCase()).map(([name]) => name);
