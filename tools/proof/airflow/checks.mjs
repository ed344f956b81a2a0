// Lines of a proof: what was checked, what came, how long it has taken.
import { isDeepStrictEqual } from 'node:util';

export class Checks {
  #began = Date.now();
  wrong = [];
  say(...words) { process.stdout.write(`${((Date.now() - this.#began) / 1000).toFixed(1).padStart(6)} s  ${words.join(' ')}\n`); }
  equal(name, got, want) {
    const ok = isDeepStrictEqual(got, want);
    this.say(ok ? 'ok  ' : 'FAIL', name, ok ? '' : `\n         got  ${JSON.stringify(got)}\n         want ${JSON.stringify(want)}`);
    if (!ok) this.wrong.push(name);
  }
  fail(name) { this.say('FAIL', name); this.wrong.push(name); }
}
