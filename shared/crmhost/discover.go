package crmhost

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"booking/shared/crm"
)

// Found is a plugin's folder as it was read; nothing of it has been executed.
type Found struct {
	// Name is the folder's name; it is the manifest's too unless Err is set.
	Name string
	// Dir is the plugin's folder, absolute, with symbolic links above it resolved.
	Dir string
	// Manifest is empty when Err is set.
	Manifest crm.Manifest
	// ManifestSHA256 is of the very bytes Manifest was read from; empty when
	// there were none.
	ManifestSHA256 string
	// Err says why the plugin cannot be used: a crm.Error, or nil.
	Err error
}

// Executable is the path of the plugin's program.
func (f Found) Executable() string { return filepath.Join(f.Dir, f.Manifest.Executable) }

func (f Found) manifestPath() string { return filepath.Join(f.Dir, ManifestName) }

// Discover lists the plugins below dir, one folder each, by name. A broken one is
// listed with its error; plain files and hidden folders are no plugins. The error
// is for dir itself (plugin_missing).
func Discover(dir string) ([]Found, error) {
	root, err := resolve(dir)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, noPluginDir(dir, err)
	}
	var all []Found
	for _, entry := range entries {
		link := entry.Type()&fs.ModeSymlink != 0
		if strings.HasPrefix(entry.Name(), ".") || !entry.IsDir() && !link {
			continue
		}
		all = append(all, read(root, entry.Name()))
	}
	return all, nil
}

// Find reads the plugin of that name. Its error is the plugin's own, too, so that
// the result of a nil error can be used.
func Find(dir, name string) (Found, error) {
	if err := checkName(name); err != nil {
		return Found{}, err
	}
	root, err := resolve(dir)
	if err != nil {
		return Found{}, err
	}
	found := read(root, name)
	return found, found.Err
}

func checkName(name string) error {
	if nameShape.MatchString(name) && len(name) <= maxName {
		return nil
	}
	return missing(nil, "«%s» не может быть именем плагина: нужны строчные латинские буквы и цифры, не больше 32",
		"%q cannot be a plugin's name: lower-case letters and digits, at most 32", clean(name, 60))
}

func resolve(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", noPluginDir(dir, err)
	}
	return path, nil
}

func noPluginDir(dir string, cause error) error {
	return missing(cause, "папка плагинов %s не читается: создайте её или укажите другую в BOOKING_PLUGIN_DIR",
		"the plugin folder %s cannot be read: create it or name another in BOOKING_PLUGIN_DIR", dir)
}

func read(root, name string) Found {
	f := Found{Name: clean(name, 60), Dir: filepath.Join(root, name)}
	f.Err = f.load(name)
	if f.Err != nil {
		f.Manifest = crm.Manifest{}
	}
	return f
}

// load fills in the manifest. The executable only has to be there: its content is
// judged when it is trusted or started.
func (f *Found) load(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	info, err := os.Lstat(f.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missing(nil, "плагина «%s» нет: положите его в папку %s", "there is no plugin %q: put it into the folder %s", f.Name, f.Dir)
	case err != nil:
		return missing(err, "папка плагина %s не читается", "the plugin's folder %s cannot be read", f.Dir)
	case !info.IsDir():
		return notPlain(f.Dir)
	}
	content, err := readFile(f.manifestPath(), maxManifest)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	f.ManifestSHA256 = hex.EncodeToString(sum[:])
	if f.Manifest, err = parseManifest(content); err != nil {
		return err
	}
	if f.Manifest.Name != name {
		return contradiction(nil, "папка называется «%s», а плагин в ней — «%s»: переименуйте папку",
			"the folder is called %q and the plugin in it %q: rename the folder", f.Name, f.Manifest.Name)
	}
	file, err := openPlain(f.Executable())
	if err != nil {
		return err
	}
	return file.Close()
}

func notPlain(path string) error {
	return untrusted(nil, "%s — ссылка или не обычный файл: положите на это место сам файл (папку)",
		"%s is a link or no plain file: put the file (folder) itself there", path)
}

// readFile reads a plain file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	file, err := openPlain(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, missing(err, "файл плагина %s не читается", "the plugin's file %s cannot be read", path)
	}
	if int64(len(content)) > limit {
		return nil, contradiction(nil, "файл %s длиннее %d байт: это не файл плагина", "%s is longer than %d bytes: this is no file of a plugin", path, limit)
	}
	return content, nil
}

// openPlain opens a regular file; it neither follows a link nor waits for the
// other end of a named pipe.
func openPlain(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, syscall.ELOOP):
		return nil, notPlain(path)
	case errors.Is(err, fs.ErrNotExist):
		return nil, missing(nil, "в папке плагина нет файла %s: соберите или поставьте плагин заново",
			"the plugin's folder has no file %s: build or install the plugin again", path)
	case err != nil:
		return nil, missing(err, "файл плагина %s не читается", "the plugin's file %s cannot be read", path)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("look at %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		file.Close()
		return nil, notPlain(path)
	}
	return file, nil
}
