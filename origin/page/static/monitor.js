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
  #framesBefore;

  stalls = 0;

  // onLook(figures) is called at each look until close(). dropped and frames count from here on: a <video> keeps its counters when
  // another engine takes over.
  constructor(video, onLook) {
    this.#video = video;
    this.#onLook = onLook;
    this.#droppedBefore = this.#count('dropped');
    this.#framesBefore = this.#count('total');
    this.#timer = setInterval(() => this.#look(), every);
  }

  close() { clearInterval(this.#timer); }

  #count(which) { return this.#video.getVideoPlaybackQuality?.()[`${which}VideoFrames`] ?? 0; }

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
      dropped: Math.max(0, this.#count('dropped') - this.#droppedBefore),
      frames: Math.max(0, this.#count('total') - this.#framesBefore),
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
