package rtmp

import (
	"net/url"
	"strings"

	"weir/ingest"
)

// Encoders split rtmp://host/live/{accessToken}/{name}?query differently into an application and a name:
//
//	live/{accessToken}   {name}
//	live                 {accessToken}/{name}
//
// Slashes at either end are of no account, a query may stand at either, and a name may have the prefix of a file format.
//
// Source: AMS v3 ingest URLs.

const maxAddress = 1024 // bytes of an application, or of a name, with its query

// parseApp reads an application. token is empty where the name has it.
func parseApp(app string) (token, query string, ok bool) {
	if len(app) > maxAddress {
		return "", "", false
	}
	app, query, _ = strings.Cut(app, "?")
	first, token, _ := strings.Cut(strings.Trim(app, "/"), "/")
	return token, query, strings.EqualFold(first, "live") && (token == "" || ingest.ValidName(token))
}

// parseName reads what a publish command names, within an application with that token.
func parseName(token, full string) (t, name, query string, ok bool) {
	if len(full) > maxAddress {
		return "", "", "", false
	}
	name, query, _ = strings.Cut(full, "?")
	name = strings.Trim(name, "/")
	for _, format := range []string{"mp4:", "flv:"} {
		name = strings.TrimPrefix(name, format)
	}
	if token == "" {
		token, name, _ = strings.Cut(name, "/")
	}
	return token, name, query, ingest.ValidName(token) && ingest.ValidName(name)
}

// appOf is the application within a tcUrl, for encoders that leave the other field out.
func appOf(tcURL string) string {
	_, rest, _ := strings.Cut(tcURL, "://")
	_, app, _ := strings.Cut(rest, "/")
	return app
}

// parseQueries reads what stands behind the question marks. What is no query is no harm.
func parseQueries(queries ...string) url.Values {
	all := url.Values{}
	for _, q := range queries {
		values, _ := url.ParseQuery(q)
		for k, v := range values {
			all[k] = v
		}
	}
	return all
}
