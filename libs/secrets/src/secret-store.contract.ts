import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import type { SecretStore } from './secret-store.ts';

/** What a suite needs of an adapter: `put` stores fields under a name, `putText` one plain text. */
export interface SecretHarness {
  readonly store: SecretStore;
  put(name: string, fields: Record<string, string>): Promise<void>;
  putText(name: string, text: string): Promise<void>;
}
const code = async (work: Promise<unknown>): Promise<unknown> => work.then(() => 'resolved', (error: { code?: string }) => error.code);

/** Every secret store behaves like this. */
export function describeSecretStore(name: string, harness: () => SecretHarness): void {
  describe(`secret store ${name}`, () => {
    it('opens a field of a secret', async () => {
      await harness().put('shop', { password: 'hunter2 "quoted" \\ ü€😀', user: 'etl' });
      const secret = await harness().store.get('secret://shop#password');
      expect(secret.use((value) => value)).toBe('hunter2 "quoted" \\ ü€😀');
    });
    it('sees a changed value', async () => {
      await harness().put('rotating', { password: 'before' });
      await harness().store.get('secret://rotating#password');
      await harness().put('rotating', { password: 'after' });
      expect((await harness().store.get('secret://rotating#password')).use((value) => value)).toBe('after');
    });
    it('hides the value from every printer', async () => {
      await harness().put('canary', { password: 'canary-4711' });
      const secret = await harness().store.get('secret://canary#password');
      const seen = [String(secret), `${JSON.stringify({ secret })}`, inspect(secret, { depth: 9, showHidden: true }), JSON.stringify(structuredClone({ ...secret }))];
      expect(seen.join(' ')).not.toContain('canary-4711');
    });
    it.each(['secret://nothing#password', 'secret://shop#nothing', 'secret://constructor#name'])('answers not-found to %s', async (reference) => {
      await harness().put('shop', { password: 'x' });
      expect(await code(harness().store.get(reference))).toBe('secret.not-found');
    });
    it.each(['hunter2', 'secret://', 'secret://a#b#c', 'secret://../etc/passwd', 'secret://a/../b#c', 'secret://a#..', 'secret://a#${env:HOME}', 'secret://*#x', 'SECRET://a#b', ''])(
      'refuses %j as a reference, without repeating it', async (reference) => {
        const error = await harness().store.get(reference).then(() => null, (thrown: Error & { code: string }) => thrown);
        expect(error?.code).toBe('secret.reference-invalid');
        expect(error?.message).toBe('Write secret://name#field, not a value.');
      });
    it('opens a plain text when no field is asked for', async () => {
      await harness().putText('token', 'abc123');
      expect((await harness().store.get('secret://token')).use((value) => value)).toBe('abc123');
    });
  });
}
