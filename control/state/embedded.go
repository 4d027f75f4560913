package state

import (
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	startTimeout = 15 * time.Second // JetStream reads its files back at start
	maxMemory    = 64 << 20         // JetStream, bytes; the bucket is on disk, so little is used
	maxDisk      = 1 << 30          // JetStream, bytes; a channel's records are a few kilobytes
)

// startEmbedded runs a NATS server in this process that keeps its files in the folder and syncs every write. Without
// c.Listen it opens no socket.
func startEmbedded(c Config, log *slog.Logger) (*server.Server, error) {
	o := &server.Options{
		ServerName: "weir", NoSigs: true, DontListen: true,
		JetStream: true, StoreDir: filepath.Join(c.Folder, "state"), SyncAlways: true,
		JetStreamMaxMemory: maxMemory, JetStreamMaxStore: maxDisk,
		Authorization: c.Token,
	}
	if c.Listen != "" {
		host, port, err := splitAddress(c.Listen)
		if err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
		o.DontListen, o.Host, o.Port = false, host, port
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("embedded NATS: %w", err)
	}
	s.SetLoggerV2(serverLog{log}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(startTimeout) {
		s.Shutdown()
		return nil, fmt.Errorf("embedded NATS is not ready after %v: is %s taken, or the disk slow?", startTimeout, c.Listen)
	}
	return s, nil
}

// splitAddress is host and port as the server wants them: a port of 0 is "any free one", which it spells -1.
func splitAddress(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	if port, err = strconv.Atoi(text); err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("%s: no such port", address)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

// serverLog hands the embedded server's log lines to slog. What the server calls a notice is detail here; its fatal
// errors surface as errors of Open or of the calls that they break.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) { l.log.Debug(natsLine(format, v)) }
func (l serverLog) Debugf(format string, v ...any)  { l.log.Debug(natsLine(format, v)) }
func (l serverLog) Tracef(format string, v ...any)  { l.log.Debug(natsLine(format, v)) }
func (l serverLog) Warnf(format string, v ...any)   { l.log.Warn(natsLine(format, v)) }
func (l serverLog) Errorf(format string, v ...any)  { l.log.Error(natsLine(format, v)) }
func (l serverLog) Fatalf(format string, v ...any)  { l.log.Error(natsLine(format, v)) }

func natsLine(format string, v []any) string { return "state: nats: " + fmt.Sprintf(format, v...) }
