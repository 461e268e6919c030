package crmhost

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"booking/shared/crm"
)

// Access says who may change a file or folder of a plugin.
type Access struct {
	Path string
	// Writers are the owner and, where the mode lets them, the group and everybody.
	Writers []crm.Text
	// Err is nil when only this user and root may write (a crm.Error otherwise,
	// plugin_untrusted, with the command that mends it).
	Err error
}

// access looks at what a plugin is made of. Folders above the plugin folder are
// not asked: what runs is the file that was hashed, wherever its path leads.
func (f Found) access() []Access {
	paths := []string{filepath.Dir(f.Dir), f.Dir, f.manifestPath()}
	if f.Manifest.Executable != "" {
		paths = append(paths, f.Executable())
	}
	var all []Access
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil {
			all = append(all, Access{Path: path, Err: missing(err, "файл плагина %s не читается", "the plugin's file %s cannot be read", path)})
			continue
		}
		all = append(all, accessOf(path, info, os.Geteuid()))
	}
	return all
}

// unsafe is the first path somebody else may write to.
func (f Found) unsafe() error {
	for _, a := range f.access() {
		if a.Err != nil {
			return a.Err
		}
	}
	return nil
}

// accessOf judges one path for the user self. POSIX access lists need no look of
// their own: the group bits are their mask.
func accessOf(path string, info fs.FileInfo, self int) Access {
	a := Access{Path: path}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		a.Err = fmt.Errorf("%s: this system does not say who owns a file", path)
		return a
	}
	owner := int(stat.Uid)
	a.Writers = []crm.Text{{RU: userName(owner), EN: userName(owner)}}
	mode := info.Mode()
	// In a sticky folder (/tmp) nobody can replace what is not theirs.
	sticky := info.IsDir() && mode&fs.ModeSticky != 0
	if mode.Perm()&0o020 != 0 {
		a.Writers = append(a.Writers, crm.Text{RU: "группа " + groupName(int(stat.Gid)), EN: "group " + groupName(int(stat.Gid))})
	}
	if mode.Perm()&0o002 != 0 {
		a.Writers = append(a.Writers, crm.Text{RU: "все", EN: "everybody"})
	}
	switch {
	case owner != 0 && owner != self:
		a.Err = untrusted(nil, "%s принадлежит другому пользователю (%s): chown %s %[1]s",
			"%s belongs to another user (%s): chown %s %[1]s", shellPath(path), userName(owner), userName(self))
	case mode.Perm()&0o022 != 0 && !sticky:
		a.Err = untrusted(nil, "в %s может писать не только владелец (права %s): chmod go-w %[1]s",
			"more than its owner can write to %s (its mode is %s): chmod go-w %[1]s", shellPath(path), mode)
	}
	return a
}

// shellPath quotes a path that a shell would take apart.
func shellPath(path string) string {
	plain := func(r rune) bool {
		return strings.ContainsRune("/._-+@%:,=", r) || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127
	}
	if strings.TrimFunc(path, plain) == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

func userName(id int) string {
	if u, err := user.LookupId(strconv.Itoa(id)); err == nil {
		return u.Username
	}
	return strconv.Itoa(id)
}

func groupName(id int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(id)); err == nil {
		return g.Name
	}
	return strconv.Itoa(id)
}
