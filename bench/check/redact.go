package check

import (
	"net/url"
	"regexp"
	"strings"
)

// redact takes out of a URL what may be a secret: user and password, the values of the query, the fragment.
func redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		before, _, _ := strings.Cut(raw, "?")
		return before
	}
	u.Fragment, u.RawFragment = "", ""
	if u.User != nil {
		u.User = url.User("…")
	}
	u.RawQuery = redactQuery(u.RawQuery)
	text := u.String()
	if readable, err := url.PathUnescape(text); err == nil && !strings.ContainsAny(readable, " \t\r\n") && isPrintable(readable) {
		return readable
	}
	return text
}

// redactQuery keeps the names of a query's parameters.
func redactQuery(q string) string {
	if q == "" {
		return ""
	}
	parts := strings.Split(q, "&")
	for i, p := range parts {
		name, _, _ := strings.Cut(p, "=")
		parts[i] = name + "=…"
	}
	return strings.Join(parts, "&")
}

var (
	inText   = regexp.MustCompile(`\?[^\s"'<>]*`)
	userInfo = regexp.MustCompile(`://[^\s/@"'<>]*@`)
)

// redactText does the same for URLs in a text that an origin wrote.
func redactText(s string) string {
	s = userInfo.ReplaceAllString(s, "://…@")
	return inText.ReplaceAllStringFunc(s, func(q string) string {
		if !strings.Contains(q, "=") {
			return q
		}
		return "?" + redactQuery(q[1:])
	})
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return false
		}
	}
	return true
}
