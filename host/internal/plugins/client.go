package plugins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"booking/shared/crm"
)

// listTimeout bounds a question that no host has to think about.
const listTimeout = 5 * time.Second

// maxAnswer is the most that is read of a host's answer, in bytes.
const maxAnswer = 4 << 20

// Host is a process that serves this data directory.
type Host struct {
	PID  int
	path string
}

// Hosts are the processes that serve a data directory now. Sockets that killed
// ones left are removed.
func Hosts(dataDir string) []Host {
	paths, _ := filepath.Glob(filepath.Join(dataDir, socketPrefix+"*"+socketSuffix))
	var all []Host
	for _, path := range paths {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), socketPrefix), socketSuffix)
		pid, err := strconv.Atoi(name)
		if err != nil || pid <= 0 {
			continue
		}
		host := Host{PID: pid, path: path}
		conn, err := host.dial(context.Background())
		switch {
		case err == nil:
			conn.Close()
			all = append(all, host)
		// Between bind and listen a new host refuses, too: only a dead one is cleaned up.
		case errors.Is(err, syscall.ECONNREFUSED) && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH):
			_ = os.Remove(path)
		}
	}
	return all
}

// List says how the host's plugins are, by name.
func (h Host) List(ctx context.Context) (map[string]State, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	a, err := h.ask(ctx, http.MethodGet, "/plugins")
	return a.Plugins, err
}

// Reload makes the host put the trusted version of a plugin in the place of the
// running one. It takes as long as the plugin's start and migration.
func (h Host) Reload(ctx context.Context, name string) (State, error) {
	a, err := h.ask(ctx, http.MethodPost, "/plugins/"+url.PathEscape(name)+"/reload")
	return a.Plugins[name], err
}

func (h Host) dial(ctx context.Context) (net.Conn, error) {
	short, done, err := shortPath(h.path)
	if err != nil {
		return nil, err
	}
	defer done()
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", short)
}

func (h Host) ask(ctx context.Context, method, path string) (answer, error) {
	var a answer
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return h.dial(ctx) },
	}}
	request, err := http.NewRequestWithContext(ctx, method, "http://host"+path, nil)
	if err != nil {
		return a, fmt.Errorf("ask the serving host: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return a, fmt.Errorf("ask the serving host (process %d): %w", h.PID, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return a, fmt.Errorf("the serving host (process %d) answers %s: it may be of another version", h.PID, response.Status)
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, response.Body, maxAnswer)).Decode(&a); err != nil {
		return a, fmt.Errorf("read the serving host's answer: %w", err)
	}
	if a.Code != "" {
		return a, crm.NewError(a.Code, crm.Text{RU: a.RU, EN: a.EN}, nil)
	}
	return a, nil
}
