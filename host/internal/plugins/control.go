package plugins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"booking/shared/crm"
	"booking/shared/crmhost"
)

// The plugins' processes belong to the host that serves. Other commands reach it
// over a unix socket in the data directory (mode 0600 in a folder of mode 0700: who
// may open it may read the database's key, too). Several hosts may serve one data
// directory; each has a socket of its own, control-PID.sock.
const (
	socketPrefix = "control-"
	socketSuffix = ".sock"
)

// State is a plugin in one serving host, as it crosses the socket.
type State struct {
	// Host is the process id of the host.
	Host      int            `json:"host"`
	Name      string         `json:"-"`
	State     crmhost.State  `json:"state"`
	Since     time.Time      `json:"since"`
	Version   string         `json:"version,omitempty"`
	PID       int            `json:"pid,omitempty"`
	Uses      int            `json:"uses"`
	Deaths    int            `json:"deaths"`
	Next      *time.Time     `json:"next,omitempty"`
	Message   string         `json:"message,omitempty"`
	Refused   string         `json:"refused,omitempty"`
	LastWords string         `json:"last_words,omitempty"`
	Leaving   []LeavingState `json:"leaving,omitempty"`
}

// LeavingState is a process that was replaced and still finishes something.
type LeavingState struct {
	Version string `json:"version"`
	PID     int    `json:"pid"`
	Uses    int    `json:"uses"`
}

func (k *Keeper) state(s crmhost.Status) State {
	locale := k.options.Configuration.Locale
	out := State{
		Host: os.Getpid(), Name: s.Name, State: s.State, Since: s.Since.UTC(), Deaths: s.Deaths, LastWords: s.LastWords,
		Message: sentence(s.Reason, locale), Refused: sentence(s.Refused, locale),
	}
	if !s.Next.IsZero() {
		next := s.Next.UTC()
		out.Next = &next
	}
	if s.Running != nil {
		out.Version, out.PID, out.Uses = s.Running.Version, s.Running.PID, s.Running.Uses
	}
	for _, l := range s.Leaving {
		out.Leaving = append(out.Leaving, LeavingState(l))
	}
	return out
}

func sentence(err error, locale string) string {
	if err == nil {
		return ""
	}
	if known := (*crm.Error)(nil); errors.As(err, &known) {
		return known.Message.In(locale)
	}
	return err.Error()
}

// answer is what the socket says to any question.
type answer struct {
	Plugins map[string]State `json:"plugins,omitempty"`
	// Code and message of a failure, both empty when it went well.
	Code crm.Code `json:"code,omitempty"`
	RU   string   `json:"ru,omitempty"`
	EN   string   `json:"en,omitempty"`
}

// Listen serves the control socket of this host until stop is called.
func (k *Keeper) Listen(dataDir string) (stop func(), err error) {
	listener, path, err := listenIn(dataDir)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	server := &http.Server{Handler: k.control(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(k.options.Log.Handler(), slog.LevelDebug)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	return func() {
		_ = server.Close()
		<-done
		_ = os.Remove(path)
	}, nil
}

func (k *Keeper) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /plugins", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, answer{Plugins: k.states()})
	})
	mux.HandleFunc("POST /plugins/{name}/reload", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		status, err := k.Reload(r.Context(), name)
		if err != nil {
			known := (*crm.Error)(nil)
			if !errors.As(err, &known) {
				known = &crm.Error{Code: crm.CodeInternal, Message: crm.Text{RU: err.Error(), EN: err.Error()}}
			}
			reply(w, answer{Code: known.Code, RU: known.Message.In("ru"), EN: known.Message.In("en")})
			return
		}
		reply(w, answer{Plugins: map[string]State{name: k.state(status)}})
	})
	return mux
}

func (k *Keeper) states() map[string]State {
	all := map[string]State{}
	for _, s := range k.Status() {
		all[s.Name] = k.state(s)
	}
	return all
}

func reply(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a)
}

// listenIn makes the socket, closed to others from its first moment on: the
// folder is.
func listenIn(dataDir string) (net.Listener, string, error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, "", err
	}
	path := filepath.Join(dataDir, socketPrefix+strconv.Itoa(os.Getpid())+socketSuffix)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // of a process that had our id
		return nil, "", err
	}
	short, closeDir, err := shortPath(path)
	if err != nil {
		return nil, "", err
	}
	defer closeDir()
	var settings net.ListenConfig
	listener, err := settings.Listen(context.Background(), "unix", short)
	if err != nil {
		return nil, "", err
	}
	// The short path means nothing later: stop removes the file.
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return nil, "", errors.Join(err, os.Remove(path))
	}
	return listener, path, nil
}
