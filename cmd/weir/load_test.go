package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir"
	"weir/control/state"
	"weir/ingest"
)

// noEnv is an environment without variables.
func noEnv(string) (string, bool) { return "", false }

// allowResources lets go-cmp look into resources.
var allowResources = cmp.Exporter(func(t reflect.Type) bool { return strings.HasPrefix(t.PkgPath(), "weir/") })

func TestDefaultFileIsTheDefault(t *testing.T) {
	c, err := Load("../../configs/weir.yaml", noEnv)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Admin.Tokens, want.TrustedProxies = []Token{}, []Network{}
	want.Resources = &state.Resources{
		LiveEvents: []state.LiveEvent{}, Assets: []state.Asset{}, LiveOutputs: []state.LiveOutput{}, StreamingLocators: []state.StreamingLocator{},
	}
	if diff := cmp.Diff(want, c, allowResources); diff != "" {
		t.Errorf("configs/weir.yaml is not the default (- default, + file):\n%s", diff)
	}
	if got, want := c.Ingest.Limits.limits(), ingest.DefaultLimits(); got != want {
		t.Errorf("ingest.limits = %+v, want %+v", got, want)
	}
}

// TestDefaultFileHasEveryKey checks that each key of Config stands in configs/weir.yaml, with a line of why.
func TestDefaultFileHasEveryKey(t *testing.T) {
	text, err := os.ReadFile("../../configs/weir.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r := &yamlReader{places: map[string]string{}, file: "f"}
	r.decode("", r.parse(text), reflect.ValueOf(Default()).Elem())
	lines := strings.Split(string(text), "\n")
	for _, key := range keysOf("", reflect.TypeFor[Config]()) {
		place, ok := r.places[key]
		if !ok {
			t.Errorf("configs/weir.yaml lacks %s", key)
			continue
		}
		var line int
		if _, err := fmt.Sscanf(place, "f:%d:", &line); err != nil {
			t.Fatal(err)
		}
		if key != "resources" && !strings.Contains(lines[line-1], " # ") {
			t.Errorf("configs/weir.yaml:%d: %s says nothing of its unit or reason", line, key)
		}
	}
}

// keysOf lists the keys that hold values.
func keysOf(key string, t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		at := strings.TrimPrefix(key+"."+f.Tag.Get("yaml"), ".")
		if f.Type.Kind() == reflect.Struct {
			keys = append(keys, keysOf(at, f.Type)...)
		} else {
			keys = append(keys, at)
		}
	}
	return keys
}

func TestDemoConfiguration(t *testing.T) {
	c, err := loadText("demo.yaml", weir.Demo, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Page.List || demoToken(c) != "d3300000000040008000000000000001" {
		t.Errorf("page.list %v, token of the first live event %s", c.Page.List, demoToken(c))
	}
}

func TestLoadFaults(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"unknown key":       {"http:\n  lissen: ':1'\n", "w.yaml:2:3: http.lissen: there is no such key: remove it, or see configs/weir.yaml for the keys there are"},
		"wrong case":        {"Http:\n  listen: ':1'\n", "w.yaml:1:1: Http: there is no such key (http is one): remove it, or see configs/weir.yaml for the keys there are"},
		"not yet":           {"srt:\n  listen: ':9000'\n", "w.yaml:1:1: srt: weir does not do SRT yet: remove the key"},
		"syntax":            {"http: [1,\nlive: 2\n", "w.yaml:1:7: sequence end token ']' not found"},
		"key twice":         {"page:\n  list: true\n  list: false\n", `w.yaml:3:3: mapping key "list" already defined at [2:3]`},
		"not keys":          {"- a\n", `w.yaml:1:1: want keys, such as "http:"`},
		"two documents":     {"page: {list: true}\n---\npage: {list: false}\n", "w.yaml:3:5: a second document: one file holds one configuration"},
		"no unit":           {"live:\n  segment: 2\n", `w.yaml:2:3: live.segment: "2" is no length of time, such as 200ms, 2s or 1m30s`},
		"no number":         {"cache: {memory: lots}\n", `w.yaml:1:9: cache.memory: "lots" is no size, such as 4096, 64KiB, 512MiB or 2GiB`},
		"no boolean":        {"page: {list: yes}\n", `w.yaml:1:8: page.list: "yes" must be true or false`},
		"group as value":    {"http: 8080\n", "w.yaml:1:1: http: must be a group of keys"},
		"value as group":    {"live: {part: {a: 1}}\n", "w.yaml:1:8: live.part: holds keys, and must be one value"},
		"value as list":     {"data: {dir: [a]}\n", "w.yaml:1:8: data.dir: is a list, and must be one value"},
		"anchor":            {"data: {dir: &a b}\n", "w.yaml:1:8: data.dir: anchors, aliases and tags are not read here: write the value out"},
		"part over segment": {"live:\n  segment: 1s\n  part: 2s\n", "w.yaml:3:3: live.part: 2s is longer than live.segment 1s (200ms to 500ms is usual)"},
		"short window":      {"live: {window: 3s}\n", "w.yaml:1:8: live.window: 3s is shorter than three segments of 2s: players need that much"},
		"address":           {"http: {listen: 8080}\n", `w.yaml:1:8: http.listen: "8080" is no address to listen at, such as :8080, 127.0.0.1:8080 or :0 (any free port)`},
		"open store":        {"state: {listen: ':4222'}\n", "w.yaml:1:9: state.listen: :4222 is open to other machines: set state.token, the secret that nodes share"},
		"two stores":        {"state: {url: 'nats://a', listen: '127.0.0.1:1'}\n", "w.yaml:1:26: state.listen: goes with the embedded store; with state.url there is none: remove one of the two"},
		"role":              {"admin:\n  tokens:\n    - name: a\n      token: b\n      role: owner\n", `w.yaml:5:7: admin.tokens[0].role: "owner" must be one of ["reader" "contributor"]`},
		"no token":          {"admin:\n  tokens:\n    - name: a\n      role: reader\n", "w.yaml:3:7: admin.tokens[0].token: is empty: a secret (openssl rand -hex 16 makes one)"},
		"network":           {"trustedProxies: [10.0.0.0/33]\n", `w.yaml:1:18: trustedProxies[0]: netip.ParsePrefix("10.0.0.0/33"): prefix length out of range`},
		"limit":             {"ingest:\n  limits:\n    idle: 0s\n", "w.yaml:3:5: ingest.limits.idle: must be more than 0; configs/weir.yaml has the default"},
		"resource, unknown": {
			"resources:\n  liveEvents:\n    - name: a\n      properties:\n        inputt: 1\n",
			"w.yaml:5:9: resources.liveEvents[0].properties.inputt: there is no such property: check the spelling, or remove it",
		},
		"resource, not yet": {
			"resources:\n  accountFilters:\n    - name: f\n",
			"w.yaml:2:3: resources.accountFilters: weir does not do accountFilters yet; remove it",
		},
		"reference": {
			"resources:\n  liveOutputs:\n    - name: a/b\n      properties: {assetName: x, manifestName: m}\n  assets: [{name: x}]\n",
			`w.yaml:3:7: resources.liveOutputs[0].name: "a/b": there is no live event "a" under liveEvents`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := loadText("w.yaml", []byte(c.text), noEnv)
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestLoadReportsEveryFault(t *testing.T) {
	_, err := loadText("w.yaml", []byte("a: 1\nlive:\n  part: x\nb: 2\n"), noEnv)
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("three faults came as %v", err)
	}
}

func TestEnvironmentOverridesFile(t *testing.T) {
	vars := map[string]string{
		"WEIR_HTTP_LISTEN":                  "127.0.0.1:0",
		"WEIR_INGEST_LIMITS_CHANNEL_TRACKS": "7",
		"WEIR_TRUSTED_PROXIES":              "[10.0.0.0/8, 192.0.2.1]",
		"WEIR_LIVE_WINDOW":                  "2m",
		"WEIR_PAGE_LIST":                    "true",
		"WEIR_ADMIN_TOKENS":                 `[{"name":"ops","token":"s3cret","role":"reader"}]`,
		"WEIR_RESOURCES":                    `{"assets":[{"name":"a"}]}`,
		"WEIR_STATE_URL":                    "",
	}
	env := func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
	c, err := loadText("w.yaml", []byte("http: {listen: ':9'}\nstate: {url: 'nats://x'}\nlive: {segment: 4s}\n"), env)
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTP.Listen != "127.0.0.1:0" || c.Ingest.Limits.ChannelTracks != 7 || len(c.TrustedProxies) != 2 || !c.Page.List ||
		c.Live.Window != Duration(2*time.Minute) || c.Live.Segment != Duration(4*time.Second) || c.State.URL != "" ||
		len(c.Admin.Tokens) != 1 || c.Admin.Tokens[0].Role != reader || len(c.Resources.Assets) != 1 {
		t.Errorf("overrides did not take: %+v", c)
	}
	for name, want := range map[string]string{
		"WEIR_LIVE_PART":   `WEIR_LIVE_PART: live.part: "fast" is no length of time, such as 200ms, 2s or 1m30s`,
		"WEIR_HTTP_LISTEN": `WEIR_HTTP_LISTEN: http.listen: "fast" is no address to listen at, such as :8080, 127.0.0.1:8080 or :0 (any free port)`,
	} {
		_, err := loadText("w.yaml", nil, func(n string) (string, bool) { return "fast", n == name })
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestUnits(t *testing.T) {
	for text, want := range map[string]Bytes{"4096": 4096, "64KiB": 65536, "2 GiB": 2 << 30, "125MB": 125e6, "7b": 7, "0": 0} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("Bytes(%q) = %d, %v; want %d", text, b, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "1.5GiB", "9999999999GiB", "GiB"} {
		if err := new(Bytes).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("Bytes(%q) was accepted", text)
		}
	}
	for d, want := range map[time.Duration]string{2 * time.Second: "2s", time.Minute: "1m", time.Hour: "1h", 200 * time.Millisecond: "200ms", 90 * time.Second: "1m30s"} {
		if got := Duration(d).String(); got != want {
			t.Errorf("Duration(%d) = %s, want %s", d, got, want)
		}
	}
}

func TestEnvName(t *testing.T) {
	for key, want := range map[string]string{
		"http.listen": "WEIR_HTTP_LISTEN", "trustedProxies": "WEIR_TRUSTED_PROXIES", "state.url": "WEIR_STATE_URL",
		"http.limits.connectionsPerAddress": "WEIR_HTTP_LIMITS_CONNECTIONS_PER_ADDRESS",
	} {
		if got := envName(key); got != want {
			t.Errorf("envName(%s) = %s, want %s", key, got, want)
		}
	}
}

func TestMissingFile(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), noEnv); err == nil {
		t.Error("a missing file was accepted")
	}
}

func TestSingleDashFlags(t *testing.T) {
	root := rootCommand()
	for in, want := range map[string]string{
		"serve -config a.yaml":     "serve --config a.yaml",
		"serve -config=a.yaml":     "serve --config=a.yaml",
		"serve --config a.yaml":    "serve --config a.yaml",
		"push -epoch demo URL":     "push --epoch demo URL",
		"push demo URL -- -epoch":  "push demo URL -- -epoch",
		"push -length 2s demo URL": "push --length 2s demo URL",
	} {
		if got := strings.Join(doubleDashes(root, strings.Fields(in)), " "); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// FuzzLoad: whatever stands in a file, there is a configuration or a reason, and never both.
func FuzzLoad(f *testing.F) {
	f.Add([]byte("http: {listen: ':0'}\nlive:\n  part: 1s\nadmin: {tokens: [{name: a}]}\nresources: {liveEvents: [1]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, err := loadText("f", text, noEnv); (c == nil) == (err == nil) {
			t.Errorf("configuration %v with error %v", c, err)
		}
	})
}
