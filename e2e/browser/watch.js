// Plays several manifests side by side with the page's own engines and reports what a viewer would see.
//
// The players come as ?players=[{name, engine, url}], where the engine "file" is the browser alone with a file that it loops;
// &force=SECONDS,SECONDS,… forces a rendition that long after the
// first frame: the lowest, then the highest, and so on in turn. What happens goes to window.report(line), which the driver
// provides, as one of
//
//	{player, at, renditions: [{width, height, bitrate}]}          once, when the engine lists them
//	{player, at, forced: {width, height}}                         a rendition was forced
//	{player, at, error, fatal}                                    the engine reports an error
//	{player, at, note}                                            what the engine wants to say besides
//	{player, at, look: {time, end, ready, height, dropped, decoded, playhead, paused, seeking,
//	 buffered: [[from, to]]}}                                    every 100 ms
//
// and, with &frames=TIMES and the demo as the source, so many times a second
//
//	{player, at, picture: {frame, playhead}}                      the frame counter read off the picture; -1: not readable
//
// and, with &requests=1,
//
//	{at, request: {url, status, first, last, size}}               a request is over: ms to its first and its last byte
//	{player, at, waits: true}                                     the picture stops for want of media
//
// and, with &sound=1 and the demo as the source,
//
//	{player, at, beep: {time}}                                    a beep begins to be heard
//	{player, at, second: {time}}                                  where, by a frame that is shown, a second begins
//
// at and playhead are UTC in ms, time and end (of what is buffered from the playhead on) media seconds.

import { engines } from '/page/engines.js';
import { ahead } from '/page/monitor.js';

const every = 100;
const query = new URLSearchParams(location.search);
const force = (query.get('force') ?? '').split(',').filter(Boolean).map((seconds) => Number(seconds) * 1000);
const frames = Number(query.get('frames') ?? 0);
const sound = query.get('sound') === '1';
const utc = () => performance.timeOrigin + performance.now();

// The demo draws its frame counter as 16 squares, most significant bit first, and the same inverted below as a check
// (bench/demo says where).
const canvas = document.createElement('canvas');
Object.assign(canvas, { width: 240, height: 135 });
const drawing = canvas.getContext('2d', { willReadFrequently: true });
function frameNumber(video) {
  drawing.drawImage(video, 0, 0, canvas.width, canvas.height);
  const { data } = drawing.getImageData(0, 0, canvas.width, canvas.height);
  const green = (x, y) => data[4 * (Math.round(y * canvas.height) * canvas.width + Math.round(x * canvas.width)) + 1];
  let number = 0;
  for (let bit = 0; bit < 16; bit++) {
    const x = 1 / 6 + (bit + 0.5) / 24;
    const difference = green(x, 7 / 9) - green(x, 23 / 27);
    if (Math.abs(difference) < 96) return -1;
    number = 2 * number + (difference > 0 ? 1 : 0);
  }
  return number;
}

// listen reports beeps, and the frames that they belong to, both by the element's own time: a busy machine shows frames
// late or not at all, and that is not to be measured. What the graph hears is laid on that time by the usual difference of the clocks.
async function listen(video, say) {
  const context = new AudioContext({ latencyHint: 'interactive' });
  await context.audioWorklet.addModule('/e2e/beeps.js');
  const beeps = new AudioWorkletNode(context, 'beeps');
  context.createMediaElementSource(video).connect(beeps).connect(context.destination);
  await context.resume();
  let differences = [];
  video.addEventListener('seeking', () => { differences = []; });
  setInterval(() => {
    if (!video.paused && !video.seeking) differences.push(video.currentTime - context.currentTime);
  }, 25);
  beeps.port.onmessage = ({ data }) => {
    const recent = differences.slice(-80).sort((a, b) => a - b);
    if (recent.length > 40) say({ beep: { time: data + recent[recent.length >> 1] } });
  };
  let read = -1; // time of the last frame whose number was read: one in half a second will do
  const shown = (_, { mediaTime }) => {
    const frame = Math.abs(mediaTime - read) < 0.5 ? -1 : frameNumber(video);
    if (frame >= 0) {
      read = mediaTime;
      say({ second: { time: mediaTime - (frame % 25) / 25 } });
    }
    video.requestVideoFrameCallback(shown);
  };
  video.requestVideoFrameCallback(shown);
}

function openFile(video, url) {
  Object.assign(video, { crossOrigin: 'anonymous', loop: true, src: url });
  return { renditions: () => [], playhead: () => NaN };
}

async function play({ name, engine, url }) {
  const say = (what) => window.report({ player: name, at: utc(), ...what });
  const video = document.createElement('video');
  Object.assign(video, { muted: !sound, autoplay: true, playsInline: true });
  document.body.append(video);
  if (query.get('requests') === '1') video.addEventListener('waiting', () => say({ waits: true }));
  if (sound) await listen(video, say);
  const opened = await (engine === 'file' ? openFile(video, url) : engines[engine].open(video, url, {
    error: ({ fatal, text }) => say({ error: text, fatal }),
    switched: () => {},
    note: (text) => say({ note: text }),
  }, { format: url.endsWith('.ism/manifest') ? 'smooth' : undefined, low: query.get('latency') !== 'normal' }));
  let listed = false;
  let started = 0;
  let done = 0; // of force
  let looks = 0;
  setInterval(() => {
    const renditions = opened.renditions();
    if (!listed && renditions.length > 0) {
      listed = true;
      say({ renditions: renditions.map(({ width, height, bitrate }) => ({ width, height, bitrate })) });
    }
    if (started === 0 && video.played.length > 0) started = utc();
    if (started > 0 && done < force.length && utc() - started > force[done]) {
      const { id, width, height } = renditions.at(done % 2 === 0 ? 0 : -1);
      done++;
      opened.select(id);
      say({ forced: { width, height } });
    }
    if (frames > 0 && started > 0 && !video.seeking && ++looks % Math.round(1000 / every / frames) === 0) {
      const playhead = opened.playhead() || 0;
      say({ picture: { frame: frameNumber(video), playhead } });
    }
    const quality = video.getVideoPlaybackQuality();
    say({
      look: {
        time: video.currentTime,
        end: video.currentTime + ahead(video),
        ready: video.readyState,
        height: video.videoHeight,
        dropped: quality.droppedVideoFrames,
        decoded: quality.totalVideoFrames,
        playhead: opened.playhead() || 0,
        paused: video.paused,
        seeking: video.seeking,
        buffered: Array.from({ length: video.buffered.length }, (_, i) => [video.buffered.start(i), video.buffered.end(i)]),
      },
    });
  }, every);
}

if (query.get('requests') === '1') {
  new PerformanceObserver((list) => {
    for (const { name: url, startTime, requestStart, responseStart, responseEnd, responseStatus: status, encodedBodySize: size } of list.getEntries()) {
      const sent = requestStart || startTime; // 0 for what failed
      const at = performance.timeOrigin + sent;
      window.report({ at, request: { url, status, first: (responseStart || responseEnd) - sent, last: responseEnd - sent, size } });
    }
  }).observe({ type: 'resource', buffered: true });
}

for (const player of JSON.parse(query.get('players'))) {
  play(player).catch((e) => window.report({ player: player.name, at: utc(), error: String(e), fatal: true }));
}
