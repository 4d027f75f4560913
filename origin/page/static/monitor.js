// Watches a <video> the way a viewer would: does the picture go on, and how much is there to go on with.

const every = 250; // ms between looks
const stallAfter = 500; // ms without progress that a viewer calls a stall

export class Monitor {
  #video;
  #onLook;
  #timer;
  #time = NaN;
  #moved = 0; // when currentTime last changed
  #stalled = false;
  #droppedBefore;

  stalls = 0;

  // onLook(figures) is called at each look until close(). dropped counts from here on: a <video> keeps its counter when
  // another engine takes over.
  constructor(video, onLook) {
    this.#video = video;
    this.#onLook = onLook;
    this.#droppedBefore = this.#dropped();
    this.#timer = setInterval(() => this.#look(), every);
  }

  close() { clearInterval(this.#timer); }

  #dropped() { return this.#video.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0; }

  #look() {
    const video = this.#video;
    const now = performance.now();
    const resting = video.paused || video.ended || video.seeking || document.hidden;
    if (video.currentTime !== this.#time || resting) {
      this.#time = video.currentTime;
      this.#moved = now;
      this.#stalled = false;
    }
    const started = video.played.length > 0;
    if (started && !this.#stalled && now - this.#moved > stallAfter) {
      this.#stalled = true;
      this.stalls++;
    }
    this.#onLook({
      started,
      stalled: this.#stalled,
      stalls: this.stalls,
      buffer: ahead(video),
      dropped: Math.max(0, this.#dropped() - this.#droppedBefore),
      width: video.videoWidth,
      height: video.videoHeight,
    });
  }
}

// Seconds buffered in one piece from the playhead on.
export function ahead(video) {
  const { buffered, currentTime } = video;
  for (let i = 0; i < buffered.length; i++) {
    if (buffered.start(i) <= currentTime + 0.1 && currentTime < buffered.end(i)) return buffered.end(i) - currentTime;
  }
  return 0;
}
