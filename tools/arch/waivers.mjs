/** Files that break one size or syntax rule, each with its reason. The canary turns red when an entry is no longer needed. */
/** @type {{ file: string, rule: string, reason: string, options?: unknown[] }[]} */
export const waivers = [];
