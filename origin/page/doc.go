// Package page holds the files of the player page: the page itself, its scripts and style, and the three player engines.
// It never serves anything: origin does, index.html at / and every other file below /page/. Start reading at Files, and
// for the page at static/app.js.
//
// Without Node the package still builds: dist then holds no engines, and the page says to run 'make page'.
//
// # What the page asks of its origin
//
// /page/channels.json lists the channels that may be played by anyone who can open the page: a JSON array, in the order to
// show, of
//
//	{
//	  "name":   "demo",                                                  // shown, and the value of ?channel=
//	  "hls":    "/{locatorId}/demo.ism/manifest(format=m3u8-cmaf)",      // may be relative to the page; "" or absent: not offered
//	  "dash":   "/{locatorId}/demo.ism/manifest(format=mpd-time-cmaf)",  // likewise
//	  "smooth": "/{locatorId}/demo.ism/manifest",                        // likewise
//	  "ingest": "http://localhost:8081/{token}/ingest.isml"              // optional: where an encoder pushes; shown while there is no media
//	}
//
// 404 means that this origin lists nothing to strangers: the page then asks for the URL of a manifest. The ingest URL holds
// the channel's token, so that only the demo sends it.
//
// /time answers the origin's clock as an xs:dateTime (the same that MPDs name in UTCTiming): latency is measured against it.
//
// A manifest that answers 404 or 412 is taken as "no media yet" and asked for again every two seconds.
//
// # Links
//
//	/?channel=demo&format=dash&engine=shaka     format: hls, dash, smooth; engine: hls, dash, shaka
//	/?url=https://host/path/manifest.mpd
package page
