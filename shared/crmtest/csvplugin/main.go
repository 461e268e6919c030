// Command csvplugin is a CRM plugin whose CRM is a file: people from a CSV table, as
// spreadsheets export it. It is an example for authors (README, "Write a plugin for
// your CRM") and complete: it has no database, the host keeps users up with it.
//
// `csvplugin manifest` prints the plugin.json of this executable.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"booking/shared/crm"
)

const (
	keyFile = "file"
	maxFile = 256 << 20 // more than a million people need
)

var description = crm.Description{
	Name: "csv", Version: "1.0.0",
	Title: crm.Text{RU: "Таблица CSV", EN: "CSV table"},
	Fields: []crm.Field{{
		Key: keyFile, Required: true,
		Label: crm.Text{RU: "Файл", EN: "File"},
		Help: crm.Text{RU: "Полный путь к таблице на сервере. В первой строке — названия столбцов: id и email, ещё name, phone, position.",
			EN: "Full path of the table on the server. Its first line names the columns: id and email, also name, phone, position."},
	}},
}

func main() { crm.ServePeople(description, table{}) }

// table reads files.
type table struct{}

// CheckSettings implements [crm.Plugin]. Numbers in another file may mean other
// people, so the file's name is the portal's.
func (table) CheckSettings(_ context.Context, s crm.Settings) (crm.SettingsCheck, error) {
	problems := description.SettingsProblems(s)
	file := strings.TrimSpace(s.Get(keyFile))
	if file != "" && !filepath.IsAbs(file) {
		problems = append(problems, crm.FieldProblem{Key: keyFile, Message: crm.Text{RU: "Нужен полный путь, например /srv/people.csv.", EN: "Want a full path, for example /srv/people.csv."}})
	}
	if len(problems) > 0 {
		return crm.SettingsCheck{Problems: problems}, nil
	}
	return crm.SettingsCheck{Portal: strings.ToLower(filepath.Base(file))}, nil
}

// ReadPeople implements [crm.PeopleSource]. A bad line fails the reading: a table
// without it would be a short list.
func (table) ReadPeople(_ context.Context, r crm.PeopleRequest, out crm.PeopleEvents) error {
	content, err := readWhole(strings.TrimSpace(r.Settings.Get(keyFile)))
	if err != nil {
		return err
	}
	return parse(content, out.Person) // which fails when ctx has ended
}

// readWhole reads a file that nobody writes to meanwhile.
func readWhole(path string) ([]byte, error) {
	before, err := os.Stat(path)
	if err != nil {
		return nil, unreachable("Файла нет, или он недоступен: проверьте путь и права.", "There is no such file, or it cannot be reached: check path and permissions.")
	}
	if !before.Mode().IsRegular() || before.Size() > maxFile {
		return nil, unreachable("Это не обычный файл, или он слишком велик: укажите путь к таблице.", "This is no plain file, or it is too large: give the path of a table.")
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, unreachable("Файл не читается: проверьте права на него.", "The file cannot be read: check its permissions.")
	}
	after, err := os.Stat(path)
	if err != nil || after.Size() != int64(len(content)) || !after.ModTime().Equal(before.ModTime()) {
		return nil, unreachable("Файл меняется во время чтения: повторите, когда он будет записан целиком.", "The file is being written to: try again when it is whole.")
	}
	return content, nil
}

func unreachable(ru, en string) error {
	return crm.NewError(crm.CodePortalUnreachable, crm.Text{RU: ru, EN: en}, nil)
}

// bad says what is wrong with the table, and on which line.
func bad(line int, ru, en string, values ...any) error {
	values = append([]any{line}, values...)
	return crm.NewError(crm.CodePortalAnswer, crm.Text{
		RU: fmt.Sprintf("Строка %d: "+ru+". Ничего не изменено.", values...),
		EN: fmt.Sprintf("Line %d: "+en+". Nothing was changed.", values...),
	}, nil)
}
