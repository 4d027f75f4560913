// What to play: channel or URL, format, engine; the form that shows it, and the query string that links to it.

import { engines, enginesFor } from './engines.js';

const other = ''; // the channel option for "a URL of your own"
const formats = { hls: 'HLS', dash: 'DASH', smooth: 'Smooth Streaming' };

const $ = (id) => document.getElementById(id);

export class Choice {
  #channels = [];
  #changed;
  #query = new URLSearchParams(location.search);

  // changed() is called when the user has chosen something else.
  constructor(changed) {
    this.#changed = changed;
    $('choice').addEventListener('change', (event) => {
      if (event.target.id === 'url') return; // the button says when it is whole
      this.#settle();
      if (this.manifest() !== '') this.#changed();
    });
    $('choice').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#guessFormat();
      this.#settle();
      if (this.manifest() !== '') this.#changed();
    });
  }

  // Fills the form from the origin's list and the query string. Without a list the form asks for a URL.
  async load() {
    try {
      const answer = await fetch(new URL('channels.json', import.meta.url), { cache: 'no-store' });
      if (answer.ok) this.#channels = await answer.json();
    } catch {
      this.#channels = []; // no list: the page works by URL
    }
    $('channel').replaceChildren(
      ...this.#channels.map(({ name }) => new Option(name, name)),
      new Option('Other URL…', other),
    );
    const query = this.#query;
    $('url').value = query.get('url') ?? '';
    const named = this.#channels.some(({ name }) => name === query.get('channel'));
    $('channel').value = query.get('url') ? other : named ? query.get('channel') : this.#channels[0]?.name ?? other;
    $('channel-field').hidden = this.#channels.length === 0;
    if (Object.hasOwn(formats, query.get('format') ?? '')) this.#check('format', query.get('format'));
    else this.#guessFormat();
    this.#check('engine', query.get('engine'));
    this.#check('latency', query.get('latency') ?? 'low');
    this.#settle();
  }

  get channel() { return this.#channels.find(({ name }) => name === $('channel').value); }
  get format() { return this.#checked('format') ?? 'hls'; }
  get engine() { return this.#checked('engine'); }
  get low() { return this.#checked('latency') !== 'normal' && this.format !== 'smooth'; }

  // The absolute URL of the manifest, '' where none is chosen. Only http and https are taken.
  manifest() {
    let url = this.channel ? this.channel[this.format] : $('url').value.trim();
    if (this.channel && this.low && this.engine === 'dash') url = url.replace('=mpd-time-cmaf)', '=mpd-time-cmaf-ll)'); // docs/players.md
    if (!url || !URL.canParse(url, location.href)) return '';
    const { protocol, href } = new URL(url, location.href);
    return ['http:', 'https:'].includes(protocol) ? href : '';
  }

  // A link to this page with what is chosen now.
  link() {
    const query = new URLSearchParams();
    if (this.channel) query.set('channel', this.channel.name);
    query.set('format', this.format);
    query.set('engine', this.engine);
    if (this.#checked('latency') === 'normal') query.set('latency', 'normal');
    if (!this.channel && $('url').value) query.set('url', $('url').value.trim());
    return `${location.origin}${location.pathname}?${query}`;
  }

  #checked(name) { return document.querySelector(`input[name="${name}"]:checked`)?.value; }

  #check(name, value) {
    const input = [...document.querySelectorAll(`input[name="${name}"]`)].find((i) => i.value === value);
    if (input) input.checked = true;
  }

  #guessFormat() {
    if (!this.channel && /\.mpd\b|format=mpd/i.test($('url').value)) this.#check('format', 'dash');
    else if (!this.channel && /m3u8/i.test($('url').value)) this.#check('format', 'hls');
    else if (!this.channel && /\.isml?\/manifest(\(format=fmp4-v20\))?$/i.test($('url').value.trim())) this.#check('format', 'smooth');
    else if (!this.#checked('format')) this.#check('format', 'hls');
  }

  // Makes the form consistent: only formats that the channel has, only engines that play the format.
  #settle() {
    const { channel } = this;
    $('url-field').hidden = channel !== undefined;
    for (const input of document.querySelectorAll('input[name="format"]')) input.disabled = channel ? !channel[input.value] : false;
    if (channel && !channel[this.format]) this.#check('format', Object.keys(formats).find((format) => channel[format]) ?? 'hls');
    const valid = enginesFor(this.format);
    for (const input of document.querySelectorAll('input[name="engine"]')) {
      input.disabled = !valid.includes(input.value);
      input.title = input.disabled ? `${engines[input.value].label} does not play ${formats[this.format]}` : '';
    }
    for (const input of document.querySelectorAll('input[name="latency"]')) {
      input.disabled = this.format === 'smooth';
      input.title = input.disabled ? 'Smooth Streaming has no low latency' : '';
    }
    if (!valid.includes(this.engine)) this.#check('engine', valid[0]);
    history.replaceState(null, '', this.manifest() === '' ? location.pathname : this.link());
  }
}
