package crmtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"booking/shared/crm"
)

var endChecks = []check{
	{"end_shutdown", both("по Shutdown завершается за 2 секунды с состоянием 0", "ends within 2 seconds of Shutdown, with status 0"),
		both("реализуйте plugin.GRPCController/Shutdown: иначе хост каждый раз убивает процесс", "implement plugin.GRPCController/Shutdown: otherwise a host kills the process every time"), 0, checkShutdown},
	{"end_files", both("после конца не остаётся ни сокета, ни временных файлов", "leaves neither its socket nor temporary files behind"),
		both("уберите за собой в TMPDIR и PLUGIN_UNIX_SOCKET_DIR; в рабочую папку не пишите", "clean up in TMPDIR and PLUGIN_UNIX_SOCKET_DIR; write nothing into the working folder"), 0, checkFiles},
	{"end_children", both("после конца не остаётся дочерних процессов", "leaves no child process behind"),
		both("дождитесь своих процессов, прежде чем завершиться", "wait for your processes before you end"), 0, checkChildren},
	{"end_stdin", both("конец стандартного ввода — конец плагина за секунду", "the end of standard input is the end of the plugin, within a second"),
		both("читайте стандартный ввод; его конец значит, что хоста больше нет", "read standard input; its end means that the host is gone"), 0, checkStdin},
	{"end_host", both("смерть хоста посреди запуска — конец плагина", "the host's death in the middle of a run is the end of the plugin"),
		both("конец ввода и соединения прерывает и запуск", "the end of input and connection ends a run, too"), needRun | needMany, checkHostDeath},
	{"end_sigterm", both("по SIGTERM завершается за 5 секунд", "ends within 5 seconds of SIGTERM"),
		both("обработайте SIGTERM (по умолчанию он и так завершает процесс)", "handle SIGTERM (by default it ends the process anyway)"), 0, checkSigterm},
	{"end_sigterm_run", both("SIGTERM посреди запуска: запуск получает отказ, процесс завершается за 10 секунд", "SIGTERM in the middle of a run: the run fails, the process ends within 10 seconds"),
		both("прервите вызовы и завершитесь", "cancel the calls and end"), needRun | needMany, checkSigtermRun},
	{"end_sigint", both("SIGINT (Ctrl-C) его не касается", "SIGINT (Ctrl-C) does not concern it"),
		both("игнорируйте SIGINT: им распоряжается хост", "ignore SIGINT: it is the host's to handle"), 0, checkSigint},
}

var overallChecks = []check{
	{"stdout", both("после рукопожатия ничего не пишет в стандартный вывод", "writes nothing to standard output after the handshake"),
		both("печатайте в журнал (стандартный вывод ошибок)", "print to the log (standard error)"), 0, checkStdout},
	{"log", both("журнал — строки JSON с @level, @message, @module и @timestamp, до 32 КиБ", "the log is JSON lines with @level, @message, @module and @timestamp, up to 32 KiB"),
		both("в Go это делает slog после crm.Serve; @level — trace, debug, info, warn или error", "in Go slog does it after crm.Serve; @level is trace, debug, info, warn or error"), 0, checkLog},
	{"secrets", both("ни одного секрета ни в журнале, ни в выводе, ни в файлах", "no secret in the log, the output or a file"),
		both("не пишите настройки, DSN и адреса с ключами; в Go их держит secret.Text", "write no settings, DSN or address with a key; in Go secret.Text holds them"), 0, checkSecrets},
}

// ending starts a process, does something to it and waits for its end.
func (x *exam) ending(ctx context.Context, within time.Duration, do func(*session) error) (*session, error) {
	s, err := x.fresh(ctx)
	if err != nil {
		return nil, err
	}
	s.wanted = true
	if err := do(s); err != nil {
		s.kill()
		return nil, err
	}
	limit := x.within(within)
	if !s.ends(limit) {
		s.kill()
		return nil, fmt.Errorf("it still runs after %s", limit)
	}
	return s, nil
}

// shutdown is what a host says first. The answer may be cut off by the end.
func shutdown(ctx context.Context, x *exam) (*session, error) {
	return x.ending(ctx, 2*time.Second, func(s *session) error {
		// Some work, so that there is something to clean up.
		_, _ = s.client.CheckSettings(ctx, settings(x.Settings))
		if x.description.HostSyncs() && x.lacks(ctx, needRun) == nil {
			_, _ = x.read(ctx, s, tenantA, x.Settings, nil)
		}
		_ = ask(ctx, s.conn, methodShutdown, x.within(2*time.Second))
		return nil
	})
}

func checkShutdown(ctx context.Context, x *exam) error {
	s, err := shutdown(ctx, x)
	if err != nil {
		return err
	}
	defer s.kill()
	if !s.cmd.ProcessState.Success() {
		return fmt.Errorf("it ends with %s", s.lastWords())
	}
	return nil
}

func checkFiles(ctx context.Context, x *exam) error {
	s, err := shutdown(ctx, x)
	if err != nil {
		return err
	}
	defer s.kill()
	return filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name, _ := filepath.Rel(s.dir, path); strings.Contains(name, "/") {
			return fmt.Errorf("it leaves %s", printable(name))
		}
		return nil
	})
}

func checkChildren(ctx context.Context, x *exam) error {
	s, err := shutdown(ctx, x)
	if err != nil {
		return err
	}
	defer s.kill()
	if err := syscall.Kill(-s.cmd.Process.Pid, 0); errors.Is(err, syscall.ESRCH) {
		return nil
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	return errors.New("its process group still has processes")
}

func checkStdin(ctx context.Context, x *exam) error {
	s, err := x.ending(ctx, time.Second, func(s *session) error { return s.stdin.Close() })
	if err != nil {
		return err
	}
	s.kill()
	return nil
}

func checkHostDeath(ctx context.Context, x *exam) error {
	s, err := x.ending(ctx, 2*time.Second, func(s *session) error {
		ended, err := x.begin(ctx, s)
		if err != nil {
			return err
		}
		_ = s.stdin.Close()
		s.disconnect()
		if err := <-ended; err == nil {
			return errors.New("the run was over before the host could die: more people are needed")
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.kill()
	return nil
}

func checkSigterm(ctx context.Context, x *exam) error {
	s, err := x.ending(ctx, 5*time.Second, func(s *session) error { s.signal(syscall.SIGTERM); return nil })
	if err != nil {
		return err
	}
	s.kill()
	return nil
}

func checkSigtermRun(ctx context.Context, x *exam) error {
	var failure error
	s, err := x.ending(ctx, 10*time.Second, func(s *session) error {
		ended, err := x.begin(ctx, s)
		if err != nil {
			return err
		}
		s.signal(syscall.SIGTERM)
		select {
		case failure = <-ended:
			return nil
		case <-time.After(x.within(15 * time.Second)):
			return errors.New("the run goes on for 15 seconds")
		}
	})
	if err != nil {
		return err
	}
	s.kill()
	if code := crm.CodeOf(failure); code == crm.CodePluginAnswer {
		return fmt.Errorf("the run ends with nonsense: %w", failure)
	}
	return nil // a run that was quicker than the signal is fine
}

func checkSigint(ctx context.Context, x *exam) error {
	s, err := x.fresh(ctx)
	if err != nil {
		return err
	}
	defer s.kill()
	s.signal(syscall.SIGINT)
	if s.ends(300 * time.Millisecond) {
		return fmt.Errorf("it ends: %s", s.lastWords())
	}
	return ask(ctx, s.conn, methodDescribe, x.within(5*time.Second))
}

func checkStdout(_ context.Context, x *exam) error {
	for _, s := range x.all {
		out := strings.TrimSpace(s.stdout.String())
		if s.hello.line == "" {
			continue
		}
		if _, more, found := strings.Cut(out, "\n"); found {
			return fmt.Errorf("%q", printable(more))
		}
	}
	return nil
}

var logLevels = []string{"trace", "debug", "info", "warn", "error"}

func checkLog(_ context.Context, x *exam) error {
	for _, s := range x.all {
		if s.client == nil {
			continue // started by hand or refused: it speaks to a person
		}
		for line := range strings.Lines(s.stderr.String()) {
			if !strings.HasSuffix(line, "\n") {
				continue // cut off by a kill
			}
			if err := checkLogLine(strings.TrimSpace(line)); err != nil {
				return fmt.Errorf("%w: %s", err, printable(line))
			}
		}
	}
	return nil
}

func checkLogLine(line string) error {
	if line == "" {
		return nil
	}
	if len(line) > 32<<10 {
		return fmt.Errorf("a line of %d bytes", len(line))
	}
	var entry map[string]any
	if err := json.Unmarshal([]byte(line), &entry); err != nil {
		return errors.New("a line is no JSON object")
	}
	level, _ := entry["@level"].(string)
	if !slices.Contains(logLevels, level) {
		return errors.New("a line has no @level of the list")
	}
	for _, key := range []string{"@message", "@module"} {
		if _, ok := entry[key].(string); !ok {
			return fmt.Errorf("a line has no text as %s", key)
		}
	}
	at, _ := entry["@timestamp"].(string)
	if _, err := time.Parse("2006-01-02T15:04:05.000000Z07:00", at); err != nil {
		return errors.New("a line has no @timestamp of the form 2006-01-02T15:04:05.000000Z07:00")
	}
	return nil
}

func checkSecrets(_ context.Context, x *exam) error {
	for _, s := range x.all {
		for where, text := range map[string]string{"the log": s.stderr.String(), "standard output": s.stdout.String()} {
			if x.canaries.in(text) {
				return fmt.Errorf("a secret is in %s", where)
			}
		}
		err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			content, err := os.ReadFile(path)
			if err == nil && x.canaries.in(string(content)) {
				return errors.New("a secret is in a file that it has written")
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
