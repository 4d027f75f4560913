// Holes in a live DASH SegmentTimeline: media that never came, because an encoder was away.
//
// dash.js 5.2 looks for the segment that starts where the last one ended, finds none, and waits for ever. Where the manifest
// knows of media behind the hole, a seek gets it over.

const tolerance = 0.1; // seconds by which segments may miss each other

// Returns where the first segment behind a hole starts, in seconds of presentation time, if there is a hole at time;
// otherwise NaN. manifest is an MPD as dash.js parses it.
export function behindHole(manifest, time) {
  for (const { start: zero = 0, AdaptationSet: sets } of manifest.Period) {
    const set = sets.find(({ contentType }) => contentType === 'video') ?? sets[0];
    const { SegmentTimeline, timescale = 1, presentationTimeOffset: offset = 0 } = set?.Representation[0].SegmentTemplate ?? {};
    let at = 0;
    for (const { t, d, r = 0 } of SegmentTimeline?.S ?? []) {
      at = t ?? at;
      const from = zero + (at - offset) / timescale;
      at += d * (r + 1);
      const to = zero + (at - offset) / timescale;
      if (from > time + tolerance) return from;
      if (to > time + tolerance) return NaN;
    }
  }
  return NaN;
}
