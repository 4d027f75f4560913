// node --test origin/page/hole.test.mjs; page_test.go runs it too.
import assert from 'node:assert';
import { test } from 'node:test';
import { behindHole } from './static/hole.js';

const set = (contentType, S) => ({ contentType, Representation: [{ SegmentTemplate: { timescale: 10, SegmentTimeline: { S } } }] });
const manifest = (video, audio) => ({ Period: [{ start: 0, AdaptationSet: [set('video', video), ...(audio ? [set('audio', audio)] : [])] }] });

const whole = [{ t: 0, d: 20, r: 4 }];
for (const [name, video, audio, time, want] of [
  ['no hole', whole, whole, 3, NaN],
  ['the live edge is no hole', whole, whole, 10, NaN],
  ['video and audio', [{ t: 0, d: 20, r: 3 }, { t: 160, d: 20 }], [{ t: 0, d: 20, r: 3 }, { t: 160, d: 20 }], 8, 16],
  ['audio ends a segment earlier', [...whole, { t: 160, d: 20 }], [{ t: 0, d: 20, r: 3 }, { t: 160, d: 20 }], 8, 16],
  ['video ends a segment earlier', [{ t: 0, d: 20, r: 3 }, { t: 160, d: 20 }], [...whole, { t: 140, d: 20, r: 1 }], 8, 16],
  ['both are there again, one earlier', [{ t: 0, d: 20, r: 3 }, { t: 120, d: 20, r: 3 }], [...whole, { t: 140, d: 20, r: 1 }], 8, 14],
  ['audio is not there yet', [{ t: 0, d: 20, r: 3 }, { t: 160, d: 20 }], whole, 8, NaN],
  ['no audio', [{ t: 0, d: 20, r: 1 }, { t: 60, d: 20 }], null, 4, 6],
]) {
  test(name, () => assert.deepStrictEqual(behindHole(manifest(video, audio), time), want));
}
