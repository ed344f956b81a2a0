import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { homeOf } from './project-lock.ts';

/** The Ed25519 key that signs receipts, made once per project folder. The public half lies beside it, for those who verify.
 * @returns the private key's file */
export async function signingKeyOf(projectDir: string): Promise<string> {
  const folder = join(homeOf(projectDir), 'keys');
  const file = join(folder, 'receipts.pem');
  if (existsSync(file)) return file;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  await writeFile(join(folder, 'receipts.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }), { mode: 0o644 });
  const next = `${file}.${process.pid}`;
  await writeFile(next, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await rename(next, file);
  return file;
}
