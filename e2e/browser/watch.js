// Plays several manifests side by side with the page's own engines and reports what a viewer would see.
//
// The players come as ?players=[{name, engine, url}]; &force=SECONDS,SECONDS,… forces a rendition that long after the
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
// at and playhead are UTC in ms, time and end (of what is buffered from the playhead on) media seconds.

import { engines } from '/page/engines.js';
import { ahead } from '/page/monitor.js';

const every = 100;
const query = new URLSearchParams(location.search);
const force = (query.get('force') ?? '').split(',').filter(Boolean).map((seconds) => Number(seconds) * 1000);
const utc = () => performance.timeOrigin + performance.now();

async function play({ name, engine, url }) {
  const say = (what) => window.report({ player: name, at: utc(), ...what });
  const video = document.createElement('video');
  Object.assign(video, { muted: true, autoplay: true, playsInline: true });
  document.body.append(video);
  const opened = await engines[engine].open(video, url, {
    error: ({ fatal, text }) => say({ error: text, fatal }),
    switched: () => {},
    note: (text) => say({ note: text }),
  });
  let listed = false;
  let started = 0;
  let done = 0; // of force
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

for (const player of JSON.parse(query.get('players'))) {
  play(player).catch((e) => window.report({ player: player.name, at: utc(), error: String(e), fatal: true }));
}
