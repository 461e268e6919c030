package crmhost

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// pinFile is the layout of the file.
type pinFile struct {
	Plugins map[string]Pin `json:"plugins"`
}

// load reads the pins; no file is no pins. A file somebody else may write to is
// refused: who writes there decides what runs.
func (t Trust) load() (map[string]Pin, error) {
	info, err := os.Lstat(t.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]Pin{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look at the plugin pins %s: %w", t.Path, err)
	}
	if a := accessOf(t.Path, info, os.Geteuid()); a.Err != nil {
		return nil, a.Err
	}
	content, err := os.ReadFile(t.Path)
	if err != nil {
		return nil, fmt.Errorf("read the plugin pins: %w", err)
	}
	var file pinFile
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, untrusted(err, "список доверенных плагинов %s испорчен: удалите его и выполните booking-host plugins trust для каждого плагина",
			"the list of trusted plugins %s is broken: remove it and run booking-host plugins trust for each plugin", t.Path)
	}
	if file.Plugins == nil {
		file.Plugins = map[string]Pin{}
	}
	return file.Plugins, nil
}

// pin is what was trusted of a plugin; the zero Pin when nothing was.
func (t Trust) pin(name string) (Pin, error) {
	pins, err := t.load()
	return pins[name], err
}

// update changes the pins while no other process does, and leaves either the old
// file or the new one, whatever happens.
func (t Trust) update(change func(map[string]Pin)) error {
	if err := os.MkdirAll(filepath.Dir(t.Path), 0o700); err != nil {
		return fmt.Errorf("make the folder of the plugin pins: %w", err)
	}
	// The lock has a file of its own: the pins' is replaced.
	lock, err := os.OpenFile(t.Path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock the plugin pins: %w", err)
	}
	defer lock.Close()
	if err := flock(lock, syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the plugin pins: %w", err)
	}
	pins, err := t.load()
	if err != nil {
		return err
	}
	change(pins)
	content, err := json.MarshalIndent(pinFile{Plugins: pins}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the plugin pins: %w", err)
	}
	if err := replaceFile(t.Path, append(content, '\n')); err != nil {
		return fmt.Errorf("write the plugin pins: %w", err)
	}
	return nil
}

func flock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// replaceFile puts a file of mode 0600 in place of path, whole and on disk.
func replaceFile(path string, content []byte) error {
	dir := filepath.Dir(path)
	fresh, err := os.CreateTemp(dir, filepath.Base(path)+".new-")
	if err != nil {
		return err
	}
	defer os.Remove(fresh.Name()) // gone already when all went well
	defer fresh.Close()
	if _, err := fresh.Write(content); err != nil {
		return err
	}
	if err := fresh.Sync(); err != nil {
		return err
	}
	if err := os.Rename(fresh.Name(), path); err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
