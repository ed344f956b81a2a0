/** Looks one at a time: however many ask while it looks, it looks once more afterwards. */
export class Sweep {
  readonly #look: () => Promise<void>;
  #looking: Promise<void> | null = null;
  #isAsked = false;
  #isStopped = false;
  /** @param look never throws: what it did not get done, a later look finds */
  constructor(look: () => Promise<void>) { this.#look = look; }

  ask(): Promise<void> {
    this.#isAsked = true;
    this.#looking ??= this.untilQuiet();
    return this.#looking;
  }
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#looking;
  }
  private async untilQuiet(): Promise<void> {
    while (this.#isAsked && !this.#isStopped) {
      this.#isAsked = false;
      await this.#look();
    }
    this.#looking = null; // in the same turn as the last look at the flag: no call falls between the two
  }
}
