// The player page: plays what is chosen until something else is chosen, and says how it goes. Start reading at play().

import { Chart } from './chart.js';
import { Choice } from './choice.js';
import { Clock } from './clock.js';
import { engines, MissingEngine } from './engines.js';
import { Log } from './log.js';
import { Monitor } from './monitor.js';
import { hideNotice, showNotice } from './notice.js';

const retryAfter = 2000; // ms between tries while there is nothing to play
const clockEvery = 60_000; // ms between looks at the origin's clock

const $ = (id) => document.getElementById(id);
const video = $('video');
const log = new Log($('log'));
const chart = new Chart($('chart'));
const clock = new Clock(new URL('../time', import.meta.url));
const choice = new Choice(() => restart());

let stop = new AbortController(); // ends the play() that runs or waits
let running = Promise.resolve(); // settles when the last play() has ended
let engine = null; // what it has opened, for the buttons
let forced = null; // the rendition that the user has chosen, by id; null: the engine chooses

const sleep = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
});

function setState(state) {
  document.body.dataset.state = state;
  $('state').textContent = state;
  $('live').disabled = !['playing', 'paused', 'stalled'].includes(state);
}

// Ends what plays, waits until the <video> is free, and plays what is chosen now.
function restart() {
  stop.abort();
  stop = new AbortController();
  const { signal } = stop;
  running = running.then(() => (signal.aborted ? undefined : play(signal)));
}

// Plays the chosen manifest until signal: waits for media, opens the engine, opens it again after a fatal error.
async function play(signal) {
  const url = choice.manifest();
  const { label, open } = engines[choice.engine];
  $('manifest').textContent = url;
  reset();
  log.add(`${label} opens ${url}${choice.low ? ', with low latency where that is offered' : ''}`);
  setState('loading');
  while (!signal.aborted) {
    if (await hasMedia(url, signal)) {
      hideNotice();
      setState('loading');
      try {
        await playOnce((...how) => open(...how, { format: choice.format, low: choice.low }), url, signal);
      } catch (e) {
        setState('failed');
        if (e instanceof MissingEngine) {
          log.add(e.message, 'bad');
          showNotice('This weir was built without its player engines',
            'They come from npm. With Node installed, run this in the source folder and start weir again:', 'make page build');
          return;
        }
        log.add(String(e), 'bad');
      }
    }
    if (!signal.aborted) await sleep(retryAfter, signal);
  }
  hideNotice();
}

// Reports whether the manifest is there; where it is not, says why and what to do.
async function hasMedia(url, signal) {
  try {
    const answer = await fetch(url, { cache: 'no-store', signal });
    await answer.text();
    if (answer.ok) return true;
    setState('waiting');
    if (answer.status === 404 || answer.status === 412) {
      showNotice('No media yet', 'Nothing has been pushed to this channel. This page looks again every two seconds. Push a file with ffmpeg:',
        pushCommand(choice.channel?.ingest));
    } else {
      showNotice(`The origin answers ${answer.status} ${answer.statusText}`, 'This page tries again every two seconds.');
    }
    log.add(`manifest: ${answer.status} ${answer.statusText}`, 'warn');
  } catch (e) {
    if (signal.aborted) return false;
    setState('waiting');
    showNotice('The origin does not answer', 'This page tries again every two seconds.');
    log.add(`manifest: ${e.message}`, 'warn');
  }
  return false;
}

// How to push a file to an ingest URL, as docs/encoders.md explains: one POST a track, a key frame every two seconds.
function pushCommand(ingest = 'http://localhost:8081/{token}/ingest.isml') {
  return `BASE='${ingest}'
ffmpeg -re -stream_loop -1 -i FILE \\
  -map 0:v:0 -c:v libx264 -preset veryfast -b:v 2M -force_key_frames 'expr:gte(t,n_forced*2)' \\
    -f mp4 -movflags cmaf+frag_keyframe+delay_moov "$BASE/Streams(video.cmfv)" \\
  -map 0:a:0 -c:a aac -b:a 128k \\
    -f mp4 -movflags cmaf+delay_moov -frag_duration 1000000 "$BASE/Streams(audio.cmfa)"`;
}

// Opens the engine and lets it play until signal or a fatal error.
async function playOnce(open, url, signal) {
  let failed;
  const end = new Promise((resolve) => {
    failed = resolve;
    signal.addEventListener('abort', resolve, { once: true });
  });
  let errors = 0;
  let switches = 0;
  show('errors', 0);
  show('switches', 0);
  const opened = await open(video, url, {
    error: ({ fatal, text }) => {
      show('errors', ++errors, 'bad');
      log.add(`${fatal ? 'fatal error' : 'error'}: ${text}`, fatal ? 'bad' : 'warn');
      if (fatal) failed();
    },
    switched: () => show('switches', ++switches),
    note: (text) => log.add(text),
  });
  engine = opened;
  forced = null; // ids are the engine's own: a new one knows nothing of them
  const monitor = new Monitor(video, (figures) => look(opened, figures));
  await end;
  monitor.close();
  engine = null;
  if (!signal.aborted) setState('failed');
  await opened.close();
}

let size = '';
let stalls = 0;

// Shows the figures of one look at the player.
function look(opened, figures) {
  const latency = (clock.now() - opened.playhead()) / 1000;
  const shown = Number.isFinite(latency) && figures.started;
  show('latency', shown ? `${latency.toFixed(2)} s` : '–');
  show('buffer', `${figures.buffer.toFixed(2)} s`);
  show('dropped', figures.dropped);
  $('dropped').closest('.figure').classList.toggle('raised', figures.dropped > figures.frames / 100);
  show('stalls', figures.stalls, 'bad');
  chart.add(shown ? latency : NaN, figures.buffer);
  if (figures.stalls > stalls) log.add(`stall at ${video.currentTime.toFixed(2)}, ${figures.buffer.toFixed(2)} s buffered`, 'bad');
  stalls = figures.stalls;
  const now = figures.height ? `${figures.width}×${figures.height}` : '';
  if (now !== size && now !== '') log.add(`on screen: ${now}`);
  size = now;
  if (!figures.started) setState('loading');
  else setState(figures.stalled ? 'stalled' : video.paused ? 'paused' : 'playing');
  showRenditions(opened, figures.height);
}

// Shows a figure; from 1 on a number gets the class.
function show(id, value, raised = '') {
  $(id).textContent = value;
  if (raised) $(id).closest('.figure').classList.toggle(raised, value > 0);
}

function reset() {
  for (const id of ['latency', 'buffer', 'dropped', 'stalls', 'errors', 'switches']) show(id, '–');
  for (const figure of document.querySelectorAll('.figure')) figure.classList.remove('raised', 'bad');
  $('renditions').replaceChildren();
  $('playing').textContent = '';
  chart.clear();
  size = '';
  stalls = 0;
}

const rate = (bits) => (bits >= 1e6 ? `${(bits / 1e6).toFixed(2)} Mbit/s` : `${Math.round(bits / 1e3)} kbit/s`);

// One button a rendition and one for automatic, kept while they stay the same so that focus stays where it is.
function showRenditions(opened, height) {
  const list = opened.renditions();
  const wanted = [{ id: null }, ...list];
  const items = $('renditions').children;
  if (items.length !== wanted.length || wanted.some(({ id }, i) => items[i].dataset.id !== String(id))) {
    $('renditions').replaceChildren(...wanted.map((rendition) => renditionItem(opened, rendition)));
  }
  wanted.forEach((rendition, i) => {
    const button = items[i].firstElementChild;
    button.setAttribute('aria-pressed', String(rendition.id === forced));
    button.firstElementChild.classList.toggle('now', rendition.height !== undefined && rendition.height === height);
  });
  const now = list.find((rendition) => rendition.height === height);
  $('playing').textContent = now ? `${now.width}×${now.height} at ${rate(now.bitrate)}` : size;
}

function renditionItem(opened, { id, width, height, bitrate }) {
  const name = document.createElement('span');
  name.textContent = id === null ? 'Automatic' : `${width}×${height}`;
  const right = document.createElement('span');
  right.className = 'rate';
  right.textContent = id === null ? '' : rate(bitrate);
  const button = document.createElement('button');
  button.type = 'button';
  button.append(name, right);
  button.addEventListener('click', () => {
    forced = id;
    opened.select(id);
    log.add(id === null ? 'the engine chooses the rendition' : `forced: ${width}×${height}`);
  });
  const item = document.createElement('li');
  item.dataset.id = String(id);
  item.append(button);
  return item;
}

$('live').addEventListener('click', () => {
  engine?.live();
  video.play().catch((e) => log.add(e.message));
});
function showSound() { $('sound').textContent = video.muted || video.volume === 0 ? 'Unmute' : 'Mute'; }
video.addEventListener('volumechange', showSound);
$('sound').addEventListener('click', () => {
  const silent = video.muted || video.volume === 0;
  video.muted = !silent;
  if (silent && video.volume === 0) video.volume = 1;
});
$('link').addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(choice.link());
    log.add(`copied: ${choice.link()}`);
  } catch { // no secure context, or not allowed: it can be copied from the events
    log.add(`link: ${choice.link()}`);
  }
});

async function start() {
  const [, synced] = await Promise.all([choice.load(), clock.sync()]);
  if (!synced) log.add('no /time here: latency is measured by the clock of this machine', 'warn');
  setInterval(() => clock.sync(), clockEvery);
  try {
    const versions = await (await fetch(new URL('players/versions.json', import.meta.url))).json();
    $('version').textContent = `hls.js ${versions.hls} · dash.js ${versions.dashjs} · Shaka ${versions['shaka-player']}`;
  } catch {
    $('version').textContent = '';
  }
  if (choice.manifest() !== '') {
    restart();
    return;
  }
  setState('idle');
  showNotice('What do you want to play?', 'This origin does not list its channels. Enter the URL of an HLS or DASH manifest above.');
}

start();
