export async function proveGround() {}
