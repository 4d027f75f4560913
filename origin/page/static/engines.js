// The three engines behind one shape. An opened engine has
//
//   renditions()    [{id, width, height, bitrate}], lowest first; empty until the engine has read its manifest
//   select(id)      plays this rendition from the next segment on; null gives the choice back to the engine
//   playhead()      UTC of the frame at the playhead, in ms, or NaN where the engine cannot tell (yet)
//   live()          jumps to where the engine would start now
//   close()         a promise; the <video> is free afterwards
//
// and calls on.error({fatal, text}), on.switched() (a rendition was chosen) and on.note(text). After a fatal error it plays
// no more: close it and open another.

import { behindHole } from './hole.js';
import { ahead } from './monitor.js';

// open(video, url, on, {format, low}) opens one; format is hls, dash or smooth, and low asks for low latency, which engines use
// where the manifest offers it.

const load = new Map();

// The error of an engine whose script this origin does not have.
export class MissingEngine extends Error {}

// Loads one of players/*.js, once, and answers the global that it defines.
function script(file, global) {
  if (!load.has(file)) {
    load.set(file, new Promise((resolve, reject) => {
      const element = document.createElement('script');
      element.src = new URL(`players/${file}`, import.meta.url);
      element.onload = () => resolve(globalThis[global]);
      element.onerror = () => {
        load.delete(file);
        element.remove();
        reject(new MissingEngine(`players/${file} is not there`));
      };
      document.head.append(element);
    }));
  }
  return load.get(file);
}

const byBitrate = (a, b) => a.bitrate - b.bitrate;
const words = (...parts) => parts.filter((part) => part !== undefined && part !== null && part !== '').join(' ');

async function openHls(video, url, on, { low }) {
  const Hls = await script('hls.js', 'Hls');
  // By itself hls.js stays for ever as far behind as starting made it: it closes up to the playlist's PART-HOLD-BACK if it may
  // play faster.
  const hls = new Hls({ lowLatencyMode: low, maxLiveSyncPlaybackRate: low ? 1.1 : 1 });
  // hls.js 1.7 may wait for ever where the place to start at is a GAP: it is started again behind that.
  let restart;
  const startBehindHole = () => {
    const { fragments = [] } = hls.latestLevelDetails ?? {};
    const wanted = hls.liveSyncPosition ?? 0;
    const first = fragments.find(({ gap, end }) => !gap && end > wanted);
    if (video.played.length > 0) return;
    hls.stopLoad();
    hls.startLoad(first?.start ?? -1);
    restart = setTimeout(startBehindHole, 2000);
  };
  hls.on(Hls.Events.ERROR, (_, e) => {
    if (e.details === Hls.ErrorDetails.FRAG_GAP) {
      on.note('a hole in the stream');
      restart ??= setTimeout(startBehindHole, 2000);
      return;
    }
    on.error({ fatal: e.fatal, text: words(e.details, e.response?.code, e.reason ?? e.error?.message, e.url) });
  });
  hls.on(Hls.Events.LEVEL_SWITCHING, () => on.switched());
  hls.on(Hls.Events.MANIFEST_PARSED, () => video.play().catch((e) => on.note(e.message)));
  hls.loadSource(url);
  hls.attachMedia(video);
  return {
    renditions: () => hls.levels
      .map(({ width, height, bitrate }, id) => ({ id: String(id), width, height, bitrate })).sort(byBitrate),
    select: (id) => { hls.nextLevel = id === null ? -1 : Number(id); },
    playhead: () => hls.playingDate?.getTime() ?? NaN,
    live: () => { if (hls.liveSyncPosition !== null) video.currentTime = hls.liveSyncPosition; },
    close: async () => {
      clearTimeout(restart);
      hls.destroy();
    },
  };
}

// The codes after which dash.js has given up: manifest loading and parsing, no media source, no init segment, no stream.
const dashFatal = new Set([10, 11, 23, 25, 28, 31, 32, 35]);

// Smooth Streaming: a fragment names no successor. At the end of a stream that is how it is; while the stream is live the
// decoder changes there, and the manifest has to be loaded again. In an outage the fragment that it was told of is "not yet"
// (412); dash.js asks four times, a second apart, and then never again: it is told to ask for longer, and is opened anew after
// that.
const dashNoSuccessor = 200;
const dashNotAvailable = 27;
const smoothAttempts = 30;

async function openDash(video, url, on, { format, low }) {
  const dashjs = await script('dashjs.js', 'dashjs');
  if (format === 'smooth') await script('dashjs-mss.js', 'dashjs');
  const { events } = dashjs.MediaPlayer;
  const player = dashjs.MediaPlayer().create();
  player.updateSettings({ debug: { logLevel: dashjs.Debug.LOG_LEVEL_NONE } });
  // Latency and playback rates come from the MPD's ServiceDescription.
  if (!low) player.updateSettings({ streaming: { applyServiceDescription: false, liveCatchup: { enabled: false }, delay: { liveDelayFragmentCount: 3 } } });
  player.on(events.ERROR, ({ error }) => {
    if (error.code === dashNoSuccessor) {
      fetch(url, { cache: 'no-store' }).then((answer) => answer.text()).then((text) => {
        if (/ IsLive="true"/i.test(text)) on.error({ fatal: true, text: 'the decoder changes: the manifest is loaded again' });
        else on.note('the stream is over');
      }).catch((e) => on.note(e.message));
      return;
    }
    const fatal = dashFatal.has(error.code) || format === 'smooth' && error.code === dashNotAvailable;
    on.error({ fatal, text: words(error.code, error.message) });
  });
  player.on(events.PLAYBACK_ERROR, ({ error }) => on.error({ fatal: true, text: words('playback', error?.message ?? error) }));
  player.on(events.QUALITY_CHANGE_REQUESTED, ({ mediaType }) => { if (mediaType === 'video') on.switched(); });
  let manifest = null;
  player.on(events.MANIFEST_LOADED, ({ data }) => { manifest = data; });
  if (format === 'smooth') {
    player.updateSettings({ streaming: { retryAttempts: { MediaSegment: smoothAttempts, FragmentInfoSegment: smoothAttempts } } });
    // The manifest names no clock, and dash.js would ask a public one.
    player.clearDefaultUTCTimingSources();
    player.addUTCTimingSource('urn:mpeg:dash:utc:http-xsdate:2014', new URL('/time', new URL(url, location.href)).href);
  }
  player.initialize(video, url, true);
  const ready = () => player.isReady() && player.getActiveStream() !== null;
  let time = NaN;
  let moves = 0; // looks at which the picture had moved on
  let stood = 0; // looks since
  const holes = setInterval(() => {
    if (video.currentTime !== time) {
      time = video.currentTime;
      moves++;
      stood = 0;
      return;
    }
    if (format === 'smooth' && video.seeking && ++stood === 12) { // thrown into a hole: on to what is buffered behind it
      const { buffered } = video;
      for (let i = 0; i < buffered.length; i++) {
        if (buffered.start(i) > time) {
          on.note(`a hole of ${(buffered.start(i) - time).toFixed(2)} s in the stream is jumped`);
          player.seekToPresentationTime(buffered.start(i) + 0.1);
          return;
        }
      }
      stood = 0; // nothing yet
    }
    if (manifest === null || !ready() || video.paused || video.seeking || moves < 8 || ++stood < 4) return;
    const behind = behindHole(manifest, time + ahead(video));
    if (!(behind <= player.getDvrWindow().end - player.getTargetLiveDelay())) return; // none, or too near to the live edge still
    on.note(`a hole of ${(behind - time).toFixed(2)} s in the stream is jumped`);
    player.seekToPresentationTime(behind);
  }, 250);
  return {
    renditions: () => (ready() ? player.getRepresentationsByType('video') : [])
      .map(({ id, width, height, bandwidth }) => ({ id, width, height, bitrate: bandwidth })).sort(byBitrate),
    select: (id) => {
      player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: id === null } } } });
      if (id !== null) player.setRepresentationForTypeById('video', id);
    },
    playhead: () => (ready() && player.timeAsUTC() > 0 ? player.timeAsUTC() * 1000 : NaN),
    live: () => player.seekToOriginalLive(),
    close: async () => {
      clearInterval(holes);
      player.destroy();
    },
  };
}

// Shaka keeps behind the end of what it may play by so much, in seconds, and plays faster or slower where it does not.
const closeUp = { targetLatency: 0.3, targetLatencyTolerance: 0.3, maxPlaybackRate: 1.1, minPlaybackRate: 0.95 };

// Shaka drops what is buffered past this many seconds when a rendition is forced; the others do so of their own accord.
const keptBeforeSwitch = 4;

async function openShaka(video, url, on, { low }) {
  const shaka = await script('shaka-player.js', 'shaka');
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  const critical = shaka.util.Error.Severity.CRITICAL;
  // Shaka tries other renditions where a playlist says GAP, and gives up where that is the newest segment. It is told to
  // try again, as it does by itself after other faults of a live stream.
  player.configure('streaming.lowLatencyMode', low);
  player.configure('streaming.liveSync', { enabled: low, ...closeUp });
  player.configure('abr.droppedFrames', false); // else a browser that drops frames takes the rendition off the list
  player.configure('streaming.maxDisabledTime', 4); // seconds; else a viewer has the lowest rendition for 30 s after a hole
  player.configure('streaming.failureCallback', (e) => {
    const network = e.category === shaka.util.Error.Category.NETWORK;
    if (network && player.isLive()) setTimeout(() => player.retryStreaming(), 1000);
  });
  const report = (e) => {
    if (e.code === shaka.util.Error.Code.LOAD_INTERRUPTED) return; // ours: close() while it loads
    if (e.code === shaka.util.Error.Code.SEGMENT_MISSING) {
      on.note('a hole in the stream');
      return;
    }
    const again = e.category === shaka.util.Error.Category.NETWORK && player.isLive(); // see failureCallback
    const detail = (e.data ?? []).filter((part) => ['string', 'number'].includes(typeof part)).join(' ');
    on.error({ fatal: !again && (e.severity === critical || e.severity === undefined), text: words(e.code ?? e.message, detail) });
  };
  player.addEventListener('error', (event) => report(event.detail));
  player.addEventListener('adaptation', () => on.switched());
  player.addEventListener('variantchanged', () => on.switched());
  await player.attach(video);
  player.load(url).then(() => video.play()).catch((e) => (e instanceof DOMException ? on.note(e.message) : report(e)));

  // One variant for each video rendition: the one with the audio that plays now.
  const variants = () => {
    const tracks = player.getVariantTracks();
    const audio = tracks.find((track) => track.active)?.audioId ?? tracks[0]?.audioId;
    return tracks.filter((track) => track.audioId === audio);
  };
  return {
    renditions: () => variants()
      .map(({ id, width, height, bandwidth }) => ({ id: String(id), width, height, bitrate: bandwidth })).sort(byBitrate),
    select: (id) => {
      player.configure('abr.enabled', id === null);
      const track = variants().find((variant) => String(variant.id) === id);
      if (track) player.selectVariantTrack(track, true, keptBeforeSwitch);
    },
    playhead: () => player.getPlayheadTimeAsDate()?.getTime() ?? NaN,
    live: () => player.goToLive(),
    close: () => player.destroy(),
  };
}

// Which engine plays which format, the usual one first.
export const engines = {
  hls: { label: 'hls.js', formats: ['hls'], open: openHls },
  dash: { label: 'dash.js', formats: ['dash', 'smooth'], open: openDash },
  shaka: { label: 'Shaka', formats: ['hls', 'dash'], open: openShaka },
};

// The engines for a format, the usual one first.
export const enginesFor = (format) => Object.keys(engines).filter((name) => engines[name].formats.includes(format));
