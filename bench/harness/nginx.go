//go:build linux

package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// An nginx serves files of a folder as well as it can: one process on the server's core, sendfile, files kept open, no
// access log.
type nginx struct {
	*process
	root    string // folder of the files
	address string
}

const nginxConfig = `
daemon off;
master_process off; # one process, like the server that it is compared with
pid %[1]s/pid;
error_log %[1]s/error.log;
worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  keepalive_timeout 60s;
  open_file_cache max=100 inactive=60s;
  open_file_cache_valid 60s;
  types { application/vnd.apple.mpegurl m3u8; video/mp4 m4s; }
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  server { listen %[2]s; root %[3]s; }
}
`

func (b *bench) startNginx(ctx context.Context) (*nginx, error) {
	if _, err := exec.LookPath("nginx"); err != nil {
		return nil, errors.New("nginx is missing: apt-get install nginx-light")
	}
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.dir, "nginx")
	n := &nginx{root: filepath.Join(dir, "www"), address: ports[0]}
	if err := os.MkdirAll(n.root, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, fmt.Appendf(nil, nginxConfig, dir, n.address, n.root), 0o644); err != nil {
		return nil, err
	}
	if n.process, err = start("nginx", pinned(ctx, b.cpus.Server, "nginx", "-p", dir, "-c", path), filepath.Join(dir, "log")); err != nil {
		return nil, err
	}
	if err := n.put("ready", []byte("yes")); err != nil {
		return nil, err
	}
	err = eventually(ctx, 5*time.Second, func() error {
		if err := n.ended(); err != nil {
			return permanentError{err}
		}
		_, err := fetch(ctx, n.url("ready"))
		return err
	})
	if err != nil {
		n.stop()
		return nil, err
	}
	return n, nil
}

// put writes a file, which is then in the page cache. A name is written once: open files are cached.
func (n *nginx) put(name string, content []byte) error {
	return os.WriteFile(filepath.Join(n.root, name), content, 0o644)
}

func (n *nginx) url(name string) string { return "http://" + n.address + "/" + name }
