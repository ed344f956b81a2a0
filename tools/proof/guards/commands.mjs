export const commands = { says: 'later', async look() { return { looked: 'nothing', findings: [] }; }, faults: {} };
