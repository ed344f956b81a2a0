export async function startRealSystem() { throw new Error('the standalone is not there yet'); }
