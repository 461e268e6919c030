package mysqld

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/host/internal/problem"
	"booking/shared/mariadbd"
	"booking/shared/secret"
)

// childRole makes the test binary a host: it opens the private database of the
// directory that childDir names, in that role, and closes it when its input ends.
const (
	childRole = "BOOKING_TEST_ROLE"
	childDir  = "BOOKING_TEST_DIR"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		os.Exit(runHost(Role(role), os.Getenv(childDir)))
	}
	os.Exit(m.Run())
}

func runHost(role Role, dir string) int {
	instance, err := Open(contextForChild, Options{DataDir: dir, Role: role, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		fmt.Println("error:", problem.TextOf(err).EN)
		return 1
	}
	if instance.owned != nil {
		fmt.Println("owns", instance.owned.running().PID())
	} else {
		fmt.Println("attached")
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := instance.Close(); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	return 0
}

// child is a host in a process of its own.
type child struct {
	cmd   *exec.Cmd
	input io.Closer
	said  string
	lines *bufio.Reader
}

func startHost(t *testing.T, role Role, dir string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(os.Environ(), childRole+"="+string(role), childDir+"="+dir)
	c.cmd.Stderr = os.Stderr
	input, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.input, c.lines = input, bufio.NewReader(out)
	t.Cleanup(func() { c.kill() })
	line, err := c.lines.ReadString('\n')
	if err != nil {
		t.Fatalf("the host said %q, then %v", line, err)
	}
	c.said = strings.TrimSpace(line)
	return c
}

// end lets the host close the database and waits for it.
func (c *child) end() error {
	c.input.Close()
	return c.cmd.Wait()
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

func openHere(t *testing.T, role Role, dir string) *Instance {
	t.Helper()
	instance, err := Open(t.Context(), Options{DataDir: dir, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = instance.Close() })
	return instance
}

func closeHere(t *testing.T, i *Instance) {
	t.Helper()
	if err := i.Close(); err != nil {
		t.Error(err)
	}
}

func connect(t *testing.T, dsn secret.Text) *sql.DB {
	t.Helper()
	config, err := mysql.ParseDSN(dsn.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	db, err := openAccount(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func exec1(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.Exec(query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func number(t *testing.T, db *sql.DB, query string) int {
	t.Helper()
	var n int
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("in vain waited for: %s", what)
}

func TestThePrivateDatabaseKeepsItsData(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "var")
	first := openHere(t, Owner, dir)
	db := connect(t, first.DSN())
	exec1(t, db, "CREATE TABLE t (id INT PRIMARY KEY)")
	exec1(t, db, "INSERT INTO t VALUES (1), (2)")
	var collation string
	if err := db.QueryRow("SELECT @@collation_database").Scan(&collation); err != nil || collation != "utf8mb4_unicode_ci" {
		t.Errorf("collation %q, error %v", collation, err)
	}
	if flush := number(t, db, "SELECT @@innodb_flush_log_at_trx_commit"); flush != 1 {
		t.Errorf("innodb_flush_log_at_trx_commit is %d: commits are not durable", flush)
	}
	if tcp := number(t, db, "SELECT @@skip_networking"); tcp != 1 {
		t.Error("the server listens on the network")
	}
	dsn := first.DSN().Reveal()
	closeHere(t, first)
	second := openHere(t, Owner, dir)
	if second.DSN().Reveal() != dsn {
		t.Error("the DSN is another one after a restart")
	}
	if n := number(t, connect(t, second.DSN()), "SELECT COUNT(*) FROM t"); n != 2 {
		t.Errorf("%d rows", n)
	}
	closeHere(t, second)
}

func TestNobodyElseCanEnter(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "var")
	i := openHere(t, Owner, dir)
	for path, mode := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "mysql"): 0o700, i.folder.accounts(): 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, error %v", path, info.Mode(), err)
		}
	}
	if exists(i.folder.initFile()) {
		t.Error("the statements with the passwords lie about")
	}
	for _, user := range []string{"root", "booking", "booking_plugin", "", "mysql"} {
		c := mysql.NewConfig()
		c.User, c.Net, c.Addr = user, "unix", i.socket
		if err := connect(t, secret.New(c.FormatDSN())).Ping(); err == nil {
			t.Errorf("%q gets in without a password", user)
		}
	}
	root := connect(t, i.dsn(rootUser, i.accounts.Root, ""))
	if n := number(t, root, "SELECT COUNT(*) FROM mysql.user WHERE user = 'root'"); n != 1 {
		t.Errorf("%d accounts of root", n)
	}
	commandLine, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", i.owned.running().PID()))
	if err != nil {
		t.Fatal(err)
	}
	for _, password := range []string{i.accounts.Root, i.accounts.Host, i.accounts.Plugin} {
		if strings.Contains(string(commandLine), password) {
			t.Error("a password is in the process's arguments")
		}
		log, err := os.ReadFile(filepath.Join(dir, "mysql", "mariadb.log"))
		if err != nil || strings.Contains(string(log), password) {
			t.Errorf("a password is in the server's log, or: %v", err)
		}
	}
}

func TestThePluginsAccountMayDoWhatItWasGrantedAndNoMore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	i := openHere(t, Owner, dir)
	host := connect(t, i.DSN())
	exec1(t, host, "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(9), password VARCHAR(9), role VARCHAR(9))")
	exec1(t, host, "INSERT INTO users VALUES (1, 'a', 'p', 'r')")
	plugin := connect(t, i.PluginDSN())
	if _, err := plugin.Exec("SELECT id FROM users"); err == nil {
		t.Error("it may read before anything was granted")
	}
	grants := []string{"GRANT SELECT (id, name), UPDATE (name) ON `booking`.`users` TO " + PluginUser}
	for range 2 { // granting again is no harm
		if err := i.EnsurePluginAccount(t.Context(), grants); err != nil {
			t.Fatal(err)
		}
	}
	exec1(t, plugin, "UPDATE users SET name = 'b' WHERE id = 1")
	for _, query := range []string{
		"UPDATE users SET password = 'x'", "UPDATE users SET role = 'admin'", "SELECT password FROM users", "DELETE FROM users",
		"CREATE TABLE mine (id INT)", "DROP TABLE users", "SELECT * FROM mysql.user", "GRANT ALL ON *.* TO " + PluginUser,
	} {
		if _, err := plugin.Exec(query); err == nil {
			t.Errorf("it may: %s", query)
		}
	}
	if err := i.EnsurePluginAccount(t.Context(), []string{"GRANT NONSENSE"}); err == nil {
		t.Error("a statement that fails is no error")
	}
	closeHere(t, i)
	again := openHere(t, Owner, dir)
	if _, err := connect(t, again.PluginDSN()).Exec("SELECT id FROM users"); err == nil {
		t.Error("what was granted to a former version's plugin stays")
	}
}

func TestASecondHostIsToldWhoOwnsTheDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startHost(t, Owner, dir)
	_, err := Open(t.Context(), Options{DataDir: dir, Role: Owner})
	text := problem.TextOf(err)
	pid := fmt.Sprint(first.cmd.Process.Pid)
	if !errors.Is(err, ErrOwned) || !strings.Contains(text.RU, pid) || !strings.Contains(text.EN, pid) {
		t.Errorf("error %v, sentences %+v", err, text)
	}
	if err := first.end(); err != nil {
		t.Error(err)
	}
	openHere(t, Owner, dir) // and now it is free
}

func TestACommandAttachesToTheServerThatRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	owner := startHost(t, Owner, dir)
	command := openHere(t, Attach, dir)
	if command.owned != nil {
		t.Fatal("the command owns a server of its own")
	}
	db := connect(t, command.DSN())
	exec1(t, db, "CREATE TABLE t (id INT)")
	if err := command.EnsurePluginAccount(t.Context(), []string{"GRANT SELECT ON `booking`.`t` TO " + PluginUser}); err != nil {
		t.Error(err)
	}
	// The owner is asked to stop while the command works: it waits for it.
	owner.input.Close()
	ended := make(chan error, 1)
	go func() { ended <- owner.cmd.Wait() }()
	eventually(t, "the owner says that it stops", func() bool { return command.folder.owner().Stopping })
	for range 50 {
		exec1(t, db, "INSERT INTO t VALUES (1)")
	}
	select {
	case err := <-ended:
		t.Fatalf("the owner did not wait: %v", err)
	default:
	}
	closeHere(t, command)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := number(t, connect(t, openHere(t, Attach, dir).DSN()), "SELECT COUNT(*) FROM t"); n != 50 {
		t.Errorf("%d rows", n)
	}
}

func TestAnOwnerDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	owner, err := Open(t.Context(), Options{DataDir: dir, Role: Owner, StopPatience: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	command := openHere(t, Attach, dir)
	if err := owner.Close(); err != nil {
		t.Error(err)
	}
	if err := connect(t, command.DSN()).Ping(); err == nil {
		t.Error("the server still runs")
	}
}

func TestCommandsAtOnceShareOneServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wait sync.WaitGroup
	var mu sync.Mutex
	said := map[string]int{}
	children := make([]*child, 4)
	for i := range children {
		wait.Go(func() {
			c := startHost(t, Attach, dir)
			mu.Lock()
			defer mu.Unlock()
			children[i] = c
			said[strings.Fields(c.said)[0]]++
		})
	}
	wait.Wait()
	if said["owns"] != 1 || said["attached"] != 3 {
		t.Errorf("%v", said)
	}
	for _, c := range children {
		wait.Go(func() {
			if err := c.end(); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}

func TestAHostWaitsForACommandThatOwns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	command := startHost(t, Attach, dir)
	opened := make(chan *Instance, 1)
	go func() {
		i, err := Open(t.Context(), Options{DataDir: dir, Role: Owner})
		if err != nil {
			t.Error(err)
		}
		opened <- i
	}()
	if err := command.end(); err != nil {
		t.Error(err)
	}
	if host := <-opened; host != nil {
		closeHere(t, host)
	}
}

func TestAfterAKillOfTheHostTheNextOneRecovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 4 {
		host := startHost(t, Owner, dir)
		var pid int
		if _, err := fmt.Sscanf(host.said, "owns %d", &pid); err != nil {
			t.Fatalf("%q: %v", host.said, err)
		}
		command := openHere(t, Attach, dir)
		db := connect(t, command.DSN())
		exec1(t, db, "CREATE TABLE IF NOT EXISTS t (id INT PRIMARY KEY)")
		exec1(t, db, fmt.Sprintf("INSERT INTO t VALUES (%d)", round))
		host.kill()
		closeHere(t, command)
		next := openHere(t, Owner, dir) // at once: the former server may be writing its pages
		if n := number(t, connect(t, next.DSN()), "SELECT COUNT(*) FROM t"); n != round+1 {
			t.Errorf("round %d: %d rows", round, n)
		}
		if state := processState(pid); state != "" && state != "Z" {
			t.Errorf("round %d: the former server (%d) still runs: %s", round, pid, state)
		}
		closeHere(t, next)
	}
}

// processState is the letter of /proc/PID/stat: Z for a process that has ended and
// whose new parent has not asked yet, "" for none.
func processState(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return after[:1]
}

func TestAFirstStartMayBeKilledAtAnyTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, after := range []time.Duration{5, 60, 200, 400, 600, 900, 1200} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childRole+"="+string(Owner), childDir+"="+dir)
		input, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(after * time.Millisecond) // the moment of the kill, not a synchronisation
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		input.Close()
	}
	i := openHere(t, Owner, dir)
	exec1(t, connect(t, i.DSN()), "CREATE TABLE t (id INT)")
	closeHere(t, i)
}

func TestAKilledServerIsStartedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	i := openHere(t, Owner, dir)
	db := connect(t, i.DSN())
	exec1(t, db, "CREATE TABLE t (id INT PRIMARY KEY)")
	if err := i.EnsurePluginAccount(t.Context(), []string{"GRANT SELECT ON `booking`.`t` TO " + PluginUser}); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		exec1(t, db, fmt.Sprintf("INSERT INTO t VALUES (%d)", round))
		before := i.owned.running().PID()
		if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the database answers again", func() bool {
			return i.owned.running().PID() != before && db.Ping() == nil
		})
		if n := number(t, db, "SELECT COUNT(*) FROM t"); n != round+1 {
			t.Errorf("%d rows", n)
		}
		if n := number(t, connect(t, i.PluginDSN()), "SELECT COUNT(*) FROM t"); n != round+1 {
			t.Errorf("the plugins' account sees %d rows", n)
		}
	}
	closeHere(t, i)
}

func TestStaleFilesDoNoHarm(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	closeHere(t, openHere(t, Owner, dir))
	f := folder{filepath.Join(dir, "mysql")}
	for path, content := range map[string]string{
		f.socket():                              "no socket",
		filepath.Join(f.path, "mariadb.pid"):    fmt.Sprint(os.Getpid()),
		f.ownerLock():                           `{"pid":1,"role":"owner","ready":true,"socket":"/nowhere"}`,
		f.initFile():                            "DROP DATABASE booking;",
		f.initFile() + ".new":                   "x",
		filepath.Join(f.path, "data.newx", "y"): "half a database",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	closeHere(t, openHere(t, Attach, dir))
	// A lost or damaged file of the passwords: the server is given new ones.
	if err := os.WriteFile(f.accounts(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	i := openHere(t, Owner, dir)
	if err := connect(t, i.DSN()).Ping(); err != nil {
		t.Error(err)
	}
	closeHere(t, i)
}

func TestAPathThatIsNoSocketPathIsNoMatter(t *testing.T) {
	t.Parallel()
	for _, name := range []string{strings.Repeat("длинная-папка-", 8), "a@b(c)?d"} {
		dir := filepath.Join(t.TempDir(), name)
		owner := openHere(t, Owner, dir)
		command := openHere(t, Attach, dir)
		if err := connect(t, command.DSN()).Ping(); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		socket := owner.socket
		closeHere(t, command)
		closeHere(t, owner)
		if exists(filepath.Dir(socket)) {
			t.Errorf("%s is left behind", filepath.Dir(socket))
		}
	}
}

func TestWhatIsNotThereIsAClearError(t *testing.T) {
	// Not parallel: the environment is the process's.
	empty := t.TempDir()
	t.Setenv("PATH", empty)
	dir := t.TempDir()
	if _, err := mariadbd.Find(); err == nil {
		// The programs lie in a folder that is looked at whatever PATH says.
		checkExplained(t, explain(folder{dir}, mariadbd.ErrNotInstalled), mariadbd.ErrNotInstalled, "apt-get install mariadb-server-core")
		return
	}
	_, err := Open(t.Context(), Options{DataDir: dir, Role: Owner})
	checkExplained(t, err, mariadbd.ErrNotInstalled, "apt-get install mariadb-server-core")
}

func checkExplained(t *testing.T, err, kind error, say string) {
	t.Helper()
	text := problem.TextOf(err)
	if !errors.Is(err, kind) || !strings.Contains(text.RU, say) || !strings.Contains(text.EN, say) || strings.Contains(text.RU+text.EN, "\n") {
		t.Errorf("error %v, sentences %+v", err, text)
	}
}

func TestADirectoryThatCannotBeMadeIsAClearError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Options{DataDir: filepath.Join(file, "var"), Role: Owner})
	checkExplained(t, err, ErrUnwritable, "BOOKING_DATA_DIR")
}

func TestAFullDiskIsAClearError(t *testing.T) {
	t.Parallel()
	f := folder{t.TempDir()}
	checkExplained(t, explain(f, fmt.Errorf("write: %w", syscall.ENOSPC)), ErrDiskFull, f.path)
	checkExplained(t, explain(f, fmt.Errorf("write: %w", syscall.EACCES)), ErrUnwritable, f.path)
	checkExplained(t, diskFull(f.path, roomToInstall, nil), ErrDiskFull, "256")
}

func TestADamagedDatabaseIsAClearErrorAndReleasesTheDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	closeHere(t, openHere(t, Owner, dir))
	control := filepath.Join(dir, "mysql", "data", "aria_log_control")
	if err := os.WriteFile(control, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := Open(t.Context(), Options{DataDir: dir, Role: Owner})
		if text := problem.TextOf(err); !strings.Contains(text.EN, "did not start") || !strings.Contains(text.RU, "mariadb.log") {
			t.Errorf("error %v", err)
		}
	}
}
