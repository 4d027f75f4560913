// The origin's clock, read from /time, so that latency does not depend on how well this machine's clock is set.

const rounds = 3;

export class Clock {
  #offset = 0; // origin minus this machine, ms
  #url;

  constructor(url) { this.#url = url; }

  // Asks a few times and believes the quickest answer. Where the origin has no /time, this machine's clock is taken.
  async sync() {
    let best = Infinity;
    for (let i = 0; i < rounds; i++) {
      try {
        const sent = performance.now();
        const answer = await fetch(this.#url, { cache: 'no-store' });
        const text = answer.ok ? await answer.text() : '';
        const trip = performance.now() - sent;
        const origin = Date.parse(text.trim());
        if (Number.isNaN(origin) || trip >= best) continue;
        best = trip;
        this.#offset = origin + trip / 2 - Date.now();
      } catch {
        return false;
      }
    }
    return best < Infinity;
  }

  // UTC by the origin's clock, in ms.
  now() { return Date.now() + this.#offset; }
}
