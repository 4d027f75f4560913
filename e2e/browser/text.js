// Plays ?hls= and ?dash= in all engines with their text on, and says what they show; after &trick= seconds it has those
// who can show key frames. What happens goes to window.report(line), which the driver provides, as one of
//
//	{player, at, tracks: [{language, kind, label}]}    the text tracks that the engine lists, once
//	{player, at, cue: {text, playhead}}                five times a second: what is shown ('' for nothing), and the player's UTC in ms
//	{player, at, keyFrames: [name, …]}                 key frames that the engine has loaded so far
//	{player, at, error, fatal}

const query = new URLSearchParams(location.search);
const trick = Number(query.get('trick')) * 1000;
const utc = () => performance.timeOrigin + performance.now();
const isKeyFrame = (url) => url.includes('/KeyFrames(');
const lines = (texts) => [...new Set(texts.map((text) => text.replace(/\s+/g, ' ').trim()).filter(Boolean))].join('|');

// Text comes a slot after its pictures: with low latency it would be too late for them.
const behind = { applyServiceDescription: false, liveCatchup: { enabled: false }, delay: { liveDelayFragmentCount: 3 } };

// The cues that a <video>'s own text tracks show.
const native = (video) => lines([...video.textTracks].flatMap((track) => [...(track.activeCues ?? [])]).map((cue) => cue.text));

function hls(video, box, say) {
  const player = new Hls({ lowLatencyMode: false });
  player.on(Hls.Events.ERROR, (_, e) => say({ error: `${e.details} ${e.url ?? ''}`, fatal: e.fatal }));
  player.on(Hls.Events.SUBTITLE_TRACKS_UPDATED, () => {
    if (player.subtitleTracks.length === 0) return;
    say({ tracks: player.subtitleTracks.map(({ lang, name, characteristics }) => ({ language: lang, kind: characteristics ?? '', label: name })) });
  });
  video.addEventListener('playing', () => {
    player.subtitleDisplay = true;
    player.subtitleTrack = 0;
  });
  player.loadSource(query.get('hls'));
  player.attachMedia(video);
  return {
    playhead: () => player.playingDate?.getTime() ?? 0,
    text: () => native(video),
    trick: (note) => {
      const preview = document.createElement('video');
      box.append(preview);
      const frames = player.createIFramePlayer();
      if (!frames) return;
      frames.on(Hls.Events.FRAG_LOADED, (_, { frag }) => { if (isKeyFrame(frag.url)) note(frag.url); });
      frames.on(Hls.Events.ERROR, (_, e) => say({ error: `I-frames: ${e.details}`, fatal: e.fatal }));
      frames.attachMedia(preview);
      let back = 2;
      setInterval(() => frames.loadMediaAt(video.currentTime - (back += 2)), 500);
    },
  };
}

function dash(video, box, say) {
  const { events } = dashjs.MediaPlayer;
  const player = dashjs.MediaPlayer().create();
  player.updateSettings({ debug: { logLevel: dashjs.Debug.LOG_LEVEL_NONE }, streaming: { text: { defaultEnabled: true }, ...behind } });
  player.on(events.ERROR, ({ error }) => say({ error: `${error.code} ${error.message}`, fatal: false }));
  player.on(events.TEXT_TRACKS_ADDED, ({ tracks }) => {
    if (tracks.length === 0) return;
    say({ tracks: tracks.map(({ lang, kind, roles }) => ({ language: lang, kind: kind ?? '', label: (roles ?? []).map(({ value }) => value).join(' ') })) });
    player.setTextTrack(0);
  });
  const keyFrames = [];
  player.on(events.FRAGMENT_LOADING_COMPLETED, ({ request }) => { if (isKeyFrame(request.url)) keyFrames.push(request.url); });
  player.initialize(video, query.get('dash'), true);
  const overlay = document.createElement('div');
  box.append(overlay);
  player.attachTTMLRenderingDiv(overlay);
  return {
    playhead: () => (player.isReady() && player.timeAsUTC() > 0 ? player.timeAsUTC() * 1000 : 0),
    text: () => lines([overlay.textContent, native(video)]),
    trick: (note) => { setInterval(() => keyFrames.splice(0).forEach(note), 500); },
  };
}

function shakaOf(url) {
  return (video, box, say) => {
    shaka.polyfill.installAll();
    const player = new shaka.Player();
    let note = () => {};
    player.configure('streaming.lowLatencyMode', false);
    player.addEventListener('error', ({ detail }) => say({ error: `${detail.code} ${detail.data}`, fatal: detail.severity === 2 }));
    player.getNetworkingEngine().registerResponseFilter((_, { uri }) => { if (isKeyFrame(uri)) note(uri); });
    (async () => {
      await player.attach(video);
      await player.load(url);
      const tracks = player.getTextTracks();
      say({ tracks: tracks.map(({ language, kind, roles }) => ({ language, kind: kind ?? '', label: roles.join(' ') })) });
      if (tracks.length > 0) player.selectTextTrack(tracks[0]);
      await player.setTextTrackVisibility?.(true);
      await video.play();
    })().catch((e) => say({ error: `${e.code ?? e} ${e.data ?? ''}`, fatal: true }));
    return {
      playhead: () => player.getPlayheadTimeAsDate()?.getTime() ?? 0,
      text: () => native(video),
      trick: (tell) => {
        note = tell;
        video.currentTime = player.seekRange().start + 1;
        player.trickPlay(4);
      },
    };
  };
}

const players = { 'hls.js': hls, 'dash.js': dash, 'Shaka HLS': shakaOf(query.get('hls')), 'Shaka DASH': shakaOf(query.get('dash')) };
for (const [name, open] of Object.entries(players)) {
  const say = (what) => window.report({ player: name, at: utc(), ...what });
  const box = document.createElement('figure');
  const video = document.createElement('video');
  Object.assign(video, { muted: true, autoplay: true, playsInline: true });
  box.append(video);
  document.body.append(box);
  const player = open(video, box, say);
  const keyFrames = new Set();
  let began = 0;
  let tricks = false;
  setInterval(() => {
    if (video.played.length === 0) return;
    began ||= utc();
    if (!tricks) say({ cue: { text: player.text(), playhead: player.playhead() } });
    if (trick > 0 && !tricks && utc() - began > trick) {
      tricks = true;
      player.trick((url) => {
        keyFrames.add(decodeURIComponent(url).replace(/.*\//, ''));
        say({ keyFrames: [...keyFrames] });
      });
    }
  }, 200);
}
