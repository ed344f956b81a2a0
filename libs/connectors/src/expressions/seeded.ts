/** Random choices that hang on nothing but a seed (mulberry32). */
export abstract class Seeded {
  private state: number;
  constructor(seed: number) { this.state = seed >>> 0; }
  /** @returns a number from 0 up to, but not, 1 */
  protected random(): number {
    this.state = (this.state + 0x6D2B79F5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
  protected pick<T>(values: readonly T[]): T { return values[Math.floor(this.random() * values.length)]!; }
}
