// Holes in a live DASH SegmentTimeline: media that never came, because an encoder was away.
//
// dash.js 5.2 looks for the segment that starts where the last one ended, finds none, and waits for ever. Where the manifest
// knows of media behind the hole, a seek gets it over.

const tolerance = 0.1; // seconds by which segments may miss each other

// Returns where every kind of media goes on behind a hole, in seconds of presentation time, if one of them has a hole at
// time; otherwise NaN. manifest is an MPD as dash.js parses it.
export function behindHole(manifest, time) {
  let at = time;
  for (let moved = true; moved;) {
    moved = false;
    for (const kind of ['video', 'audio']) {
      const next = playableFrom(manifest, kind, at);
      if (Number.isNaN(next)) return NaN;
      moved ||= next > at;
      at = next;
    }
  }
  return at > time ? at : NaN;
}

// The first time from the given one on at which there is media of a kind: the time itself where it has no hole or the
// manifest has nothing of that kind, NaN where nothing comes later.
function playableFrom({ Period: periods }, kind, time) {
  let any = false;
  for (const { start: zero = 0, AdaptationSet: sets } of periods) {
    const set = sets.find(({ contentType }) => contentType === kind);
    const { SegmentTimeline, timescale = 1, presentationTimeOffset: offset = 0 } = set?.Representation[0].SegmentTemplate ?? {};
    let at = 0;
    for (const { t, d, r = 0 } of SegmentTimeline?.S ?? []) {
      any = true;
      at = t ?? at;
      const from = zero + (at - offset) / timescale;
      at += d * (r + 1);
      const to = zero + (at - offset) / timescale;
      if (from > time + tolerance) return from;
      if (to > time + tolerance) return time;
    }
  }
  return any ? NaN : time;
}
