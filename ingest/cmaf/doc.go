// Package cmaf reads what encoders PUT beside their media: MPDs, HLS playlists and the names of the objects themselves.
// It owns how a file finds its stream (Book) and what manifests say of streams as hints (MPD, Playlist); it never fetches
// what a manifest names, speaks no HTTP and knows no boxes. Start reading at Book.
package cmaf

// Bounds on what a manifest may hold. What is beyond is an error, or is not looked at where that does no harm.
const (
	MaxManifest = 1 << 20 // bytes, unpacked

	maxDepth    = 16 // of elements
	maxElements = 1 << 16
	maxTracks   = 256 // Representations of an MPD, renditions of a multivariant playlist
	maxLines    = 1 << 16
	maxLine     = 8 << 10
	maxRoles    = 8
	maxText     = 128 // bytes of an identifier, a language or a name
	maxFolders  = 4   // of an object's path below the publishing point
)
