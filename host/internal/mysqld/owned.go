package mysqld

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"booking/shared/crm"
	"booking/shared/mariadbd"
)

// flags keep the server small; what makes it durable stays as it is by default
// (innodb_flush_log_at_trx_commit=1, doublewrite on).
var flags = []string{
	"--innodb-buffer-pool-size=64M", "--innodb-log-file-size=48M", "--innodb-log-buffer-size=8M",
	"--key-buffer-size=1M", "--aria-pagecache-buffer-size=8M", "--max-connections=100",
	"--max-allowed-packet=64M", "--default-time-zone=+00:00", "--skip-log-bin",
}

// owned is the server of the process that owns it.
type owned struct {
	lock *lock
	// sockets is a temporary folder for the socket, "" when it lies in the data directory.
	sockets string

	mu       sync.Mutex
	server   *mariadbd.Server
	stopping chan struct{}
	// watched is closed when nobody starts the server again any more.
	watched chan struct{}
}

// own starts the server under the owner's lock.
func own(ctx context.Context, o Options, f folder, mine *lock) (*Instance, error) {
	i := &Instance{options: o, folder: f, owned: &owned{lock: mine, stopping: make(chan struct{}), watched: make(chan struct{})}}
	err := i.start(ctx)
	if err != nil {
		i.owned.removeSockets()
		mine.release()
		return nil, explain(f, err)
	}
	go i.watch()
	return i, nil
}

func (i *Instance) start(ctx context.Context) error {
	if err := i.owned.lock.tell(ownerState{PID: os.Getpid(), Role: i.options.Role}); err != nil {
		return unwritable(i.folder.path, err)
	}
	if err := enoughRoom(i.folder); err != nil {
		return err
	}
	var err error
	if i.socket, err = i.owned.chooseSocket(i.folder); err != nil {
		return err
	}
	if i.accounts, err = makeAccounts(i.folder.accounts()); err != nil {
		return unwritable(i.folder.path, err)
	}
	if err := i.launch(ctx, true); err != nil {
		return err
	}
	return i.owned.lock.tell(i.state(false))
}

func (i *Instance) state(stopping bool) ownerState {
	return ownerState{PID: os.Getpid(), Role: i.options.Role, Socket: i.socket, Ready: true, Stopping: stopping}
}

// launch starts the server with its accounts set up, each time: what a kill left
// undone at the first start is done at the next.
func (i *Instance) launch(ctx context.Context, fresh bool) error {
	if err := writePrivate(i.folder.initFile(), i.accounts.statements(fresh)); err != nil {
		return unwritable(i.folder.path, err)
	}
	defer os.Remove(i.folder.initFile())
	server, err := mariadbd.Start(ctx, mariadbd.Options{
		Dir: i.folder.path, Socket: i.socket, Flags: append([]string{"--init-file=" + i.folder.initFile()}, flags...),
	})
	if err != nil {
		return err
	}
	i.owned.mu.Lock()
	i.owned.server = server
	i.owned.mu.Unlock()
	if err := i.check(ctx); err != nil {
		_ = server.Stop()
		return fmt.Errorf("sign in to the private database: %w", err)
	}
	return nil
}

// watch starts the server again when it dies while it is wanted.
func (i *Instance) watch() {
	defer close(i.owned.watched)
	for {
		select {
		case <-i.owned.stopping:
			return
		case <-i.owned.running().Done():
		}
		for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
			select {
			case <-i.owned.stopping:
				return
			default:
			}
			i.say(slog.LevelWarn, crm.Text{RU: "Собственная база данных остановилась, запускаю снова", EN: "The private database has stopped, starting it again"})
			err := i.relaunch()
			if err == nil {
				break
			}
			i.say(slog.LevelError, explainText(i.folder, err))
			select {
			case <-i.owned.stopping:
				return
			case <-time.After(pause):
			}
		}
	}
}

func (i *Instance) relaunch() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-i.owned.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	return i.launch(ctx, false)
}

// stop waits for the others, then stops the server and gives the lock back.
func (i *Instance) stop() error {
	o := i.owned
	patience := i.options.StopPatience
	if patience == 0 {
		patience = map[Role]time.Duration{Owner: stopPatience, Attach: commandPatience}[i.options.Role]
	}
	// Nobody attaches any more from here on.
	_ = o.lock.tell(i.state(true))
	var once sync.Once
	users := lockWithin(i.folder.usersLock(), patience, func() {
		once.Do(func() {
			i.say(slog.LevelInfo, crm.Text{RU: "Жду другие команды, которые работают с собственной базой данных", EN: "Waiting for other commands that use the private database"})
		})
	})
	close(o.stopping)
	<-o.watched
	err := o.running().Stop()
	o.removeSockets()
	if users != nil {
		users.release()
	}
	o.lock.release()
	if err != nil {
		return fmt.Errorf("stop the private database: %w", err)
	}
	return nil
}

func (o *owned) running() *mariadbd.Server {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.server
}

// chooseSocket puts the socket into the data directory, unless the path is too long
// for one or holds characters that a DSN gives another meaning.
func (o *owned) chooseSocket(f folder) (string, error) {
	if path := f.socket(); len(path) <= mariadbd.MaxSocketPath && !strings.ContainsAny(path, "@()?") {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "booking-") // mode 0700, a name nobody could take before us
	if err != nil {
		return "", fmt.Errorf("make a folder for the database socket: %w", err)
	}
	o.sockets = dir
	return filepath.Join(dir, "mariadb.sock"), nil
}

func (o *owned) removeSockets() {
	if o.sockets != "" {
		_ = os.RemoveAll(o.sockets)
	}
}

func (i *Instance) say(level slog.Level, text crm.Text) {
	i.options.Log.Log(context.Background(), level, text.In(i.options.Locale))
}

// waiter says once for whom an owner waits.
type waiter struct {
	log    *slog.Logger
	locale string
	told   bool
}

func (w *waiter) waitFor(other ownerState) {
	if w.told || other.PID == 0 {
		return
	}
	w.told = true
	w.log.Info(crm.Text{
		RU: fmt.Sprintf("Собственную базу данных держит другая команда (процесс %d), жду её", other.PID),
		EN: fmt.Sprintf("Another command (process %d) holds the private database, waiting for it", other.PID),
	}.In(w.locale))
}
