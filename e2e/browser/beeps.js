// An audio worklet that reports where the demo's beeps begin, as times of its AudioContext in seconds. Beeps have an
// amplitude of 0.5 and rise in 4 ms; between them there is a chord of 0.04 at most.

const loud = 0.1;
const pause = 0.3; // seconds of no beep before the next

class Beeps extends AudioWorkletProcessor {
  constructor() {
    super();
    this.last = -pause;
  }

  process([[left]]) {
    for (let i = 0; left && i < left.length; i++) {
      if (Math.abs(left[i]) < loud) continue;
      const at = currentTime + i / sampleRate;
      if (at - this.last > pause) this.port.postMessage(at);
      this.last = at;
    }
    return true;
  }
}

registerProcessor('beeps', Beeps);
