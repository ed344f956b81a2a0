// A linter of Dockerfiles, and a checker that carries the schemas of forges and of Compose. Tools of the guard rails, never of a product.
import { join } from 'node:path';
import { virtualEnvironment } from '../venv.mjs';

/** `{ hadolint, checkJsonSchema }`: paths of the two programs. Throws with one line when they cannot be had. */
export function provisionLinters(cache) {
  const folder = virtualEnvironment(join(cache, 'guards'), join(import.meta.dirname, 'requirements.txt'));
  return { hadolint: join(folder, 'bin', 'hadolint'), checkJsonSchema: join(folder, 'bin', 'check-jsonschema') };
}
