package crmhost

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Pin is what an operator trusted: the content of a plugin's two files.
type Pin struct {
	Version          string    `json:"version"`
	ExecutableSHA256 string    `json:"executable_sha256"`
	ManifestSHA256   string    `json:"manifest_sha256"`
	PinnedAt         time.Time `json:"pinned_at"`
}

// Trust is the list of what may run: one JSON file, mode 0600. It is read anew by
// every question, so that `plugins trust` in another process counts at once.
// Several processes may write it at the same time.
type Trust struct {
	// Path of the file; its folder is made (0700) by the first Pin.
	Path string
	// Clock is time.Now when nil.
	Clock func() time.Time
}

// Inspection is what an operator should see before trusting a plugin.
type Inspection struct {
	Name, Version string
	// Path of the executable; SHA256 is of its content now.
	Path   string
	SHA256 string
	// Access says who may write to the plugin's files and folders.
	Access []Access
	// Pinned is what was trusted before, nil when nothing was.
	Pinned *Pin
}

// Inspect reads everything Pin would, and changes nothing. A folder others may
// write to is no error here: it stands in Access.
func (t Trust) Inspect(f Found) (Inspection, error) {
	if f.Err != nil {
		return Inspection{}, f.Err
	}
	file, err := hashed(f.Executable())
	if err != nil {
		return Inspection{}, err
	}
	file.Close()
	pins, err := t.load()
	if err != nil {
		return Inspection{}, err
	}
	i := Inspection{Name: f.Name, Version: f.Manifest.Version, Path: f.Executable(), SHA256: file.sum, Access: f.access()}
	if pin, ok := pins[f.Name]; ok {
		i.Pinned = &pin
	}
	return i, nil
}

// Pin trusts the plugin as it lies there now. It refuses what Verify would refuse
// anyway: files others may write to, an executable that is not the manifest's.
func (t Trust) Pin(f Found) error {
	if err := f.unsafe(); err != nil {
		return err
	}
	if f.Err != nil {
		return f.Err
	}
	file, err := hashed(f.Executable())
	if err != nil {
		return err
	}
	file.Close()
	sum := file.sum
	if sum != f.Manifest.SHA256 {
		return untrusted(nil,
			"программа плагина «%s» — не та, что описана в его "+ManifestName+" (там sha256 %s, у файла %s): соберите или поставьте плагин заново",
			"the executable of plugin %q is not the one its "+ManifestName+" describes (sha256 %s there, %s is the file's): build or install the plugin again",
			f.Name, f.Manifest.SHA256, sum)
	}
	now := time.Now
	if t.Clock != nil {
		now = t.Clock
	}
	return t.update(func(pins map[string]Pin) {
		pins[f.Name] = Pin{Version: f.Manifest.Version, ExecutableSHA256: sum, ManifestSHA256: f.ManifestSHA256, PinnedAt: now().UTC().Truncate(time.Second)}
	})
}

// Verify says whether the plugin may run as it lies there now: nil, or
// plugin_untrusted (not pinned, changed since, writable by others),
// plugin_missing, plugin_answer.
func (t Trust) Verify(f Found) error {
	file, err := t.open(f)
	if err != nil {
		return err
	}
	return file.Close()
}

// open verifies the plugin and returns the very file that was hashed: the one to
// execute.
func (t Trust) open(f Found) (*hashedFile, error) {
	if f.ManifestSHA256 == "" {
		return nil, f.Err
	}
	if err := f.unsafe(); err != nil {
		return nil, err
	}
	pins, err := t.load()
	if err != nil {
		return nil, err
	}
	pin, pinned := pins[f.Name]
	if pinned && pin.ManifestSHA256 != f.ManifestSHA256 {
		return nil, changed(f, ManifestName, pin.ManifestSHA256, f.ManifestSHA256)
	}
	if f.Err != nil {
		return nil, f.Err
	}
	if !pinned {
		return nil, untrusted(nil, "плагину «%s» ещё не доверяют: проверьте его и выполните booking-host plugins trust %[1]s",
			"plugin %q is not trusted yet: look at it and run booking-host plugins trust %[1]s", f.Name)
	}
	file, err := hashed(f.Executable())
	if err != nil {
		return nil, err
	}
	if file.sum != pin.ExecutableSHA256 {
		file.Close()
		return nil, changed(f, f.Manifest.Executable, pin.ExecutableSHA256, file.sum)
	}
	return file, nil
}

func changed(f Found, file, was, is string) error {
	return untrusted(nil,
		"файл %s плагина «%s» изменился с тех пор, как ему доверились (было sha256 %s, стало %s): если так и надо, выполните booking-host plugins trust %[2]s",
		"the file %s of plugin %q has changed since it was trusted (sha256 was %s, is %s): if that is right, run booking-host plugins trust %[2]s",
		file, f.Name, was, is)
}

// hashedFile is an open executable, its hash, and how it looked before that was
// taken.
type hashedFile struct {
	*os.File
	sum    string
	before fs.FileInfo
}

// hashed opens an executable and hashes what was opened.
func hashed(path string) (*hashedFile, error) {
	file, err := openPlain(path)
	if err != nil {
		return nil, err
	}
	h := &hashedFile{File: file}
	if h.before, err = file.Stat(); err == nil {
		h.sum, err = hashOf(file)
	}
	if err != nil {
		file.Close()
		return nil, missing(err, "файл плагина %s не читается", "the plugin's file %s cannot be read", path)
	}
	return h, nil
}

// unchanged is asked after the execution: nobody has written into the open file
// since it was hashed. (Putting another file in its place does no harm.)
func (h *hashedFile) unchanged() bool {
	now, err := h.Stat()
	if err != nil {
		return false
	}
	if now.Size() == h.before.Size() && changeTime(now).Equal(changeTime(h.before)) {
		return true
	}
	sum, err := hashOf(h.File) // a new name or mode changes the time, too
	return err == nil && sum == h.sum
}

func hashOf(file *os.File) (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, 1<<40)); err != nil {
		return "", fmt.Errorf("hash: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
