package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"booking/shared/crm"
)

// decode finds the encoding: UTF-8, with or without a byte order mark, or
// windows-1251, in which spreadsheets in Russian still write.
func decode(content []byte) (string, error) {
	content = bytes.TrimPrefix(content, []byte("\uFEFF"))
	if utf8.Valid(content) {
		return string(content), nil
	}
	// Names in UTF-8 with one broken byte must not become names in windows-1251.
	letters, broken, line := 0, 0, 0
	for rest := content; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size == 1 {
			if broken++; broken == 1 {
				line = 1 + bytes.Count(content[:len(content)-len(rest)], []byte("\n"))
			}
		} else if size > 1 {
			letters++
		}
		rest = rest[size:]
	}
	text, err := charmap.Windows1251.NewDecoder().Bytes(content)
	if err != nil || broken <= letters || bytes.ContainsRune(text, utf8.RuneError) || bytes.IndexByte(text, 0) >= 0 {
		return "", bad(line, "символ не в UTF-8 и не в windows-1251", "a character is neither UTF-8 nor windows-1251")
	}
	return string(text), nil
}

// separator is the one that the first line has most of.
func separator(text string) rune {
	header, _, _ := strings.Cut(text, "\n")
	best := ','
	for _, candidate := range ";\t" {
		if strings.Count(header, string(candidate)) > strings.Count(header, string(best)) {
			best = candidate
		}
	}
	return best
}

// portalID is what the host can store as the id of a person.
var portalID = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)

// parse hands over the people of a table, in its order.
func parse(content []byte, yield func(crm.Person) error) error {
	text, err := decode(content)
	if err != nil {
		return err
	}
	in := csv.NewReader(strings.NewReader(text))
	in.Comma = separator(text)
	header, err := in.Read()
	if err != nil {
		return bad(1, "нет названий столбцов", "the names of the columns are missing")
	}
	place := map[string]int{}
	for i, name := range header {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" && place[name] > 0 {
			return bad(1, "столбец «%s» есть дважды", "column %q is there twice", name)
		}
		place[name] = i + 1 // 0: there is none
	}
	if place["id"] == 0 || place["email"] == 0 {
		return bad(1, "нужны столбцы id и email (разделитель — запятая, точка с запятой или табуляция)", "the columns id and email are needed (separated by comma, semicolon or tab)")
	}
	lines := map[string]int{}
	for {
		record, err := in.Read()
		if broken := (*csv.ParseError)(nil); errors.As(err, &broken) {
			return bad(broken.StartLine, "не разбирается: кавычки или число столбцов (нужно %d)", "cannot be read: quotes, or the number of columns (want %d)", len(header))
		} else if errors.Is(err, io.EOF) {
			return nil
		}
		line, _ := in.FieldPos(0)
		record = append([]string{""}, record...) // places count from 1
		value := func(name string) string { return strings.TrimSpace(record[place[name]]) }
		id := value("id")
		switch {
		case strings.TrimSpace(strings.Join(record, "")) == "":
			continue // spreadsheets leave lines of separators behind
		case !portalID.MatchString(id):
			return bad(line, "id — не целое число больше нуля", "the id is no whole number above zero")
		case lines[id] > 0:
			return bad(line, "id %s уже есть в строке %d", "id %s is on line %d already", id, lines[id])
		}
		lines[id] = line
		if err := yield(crm.Person{ExternalID: id, Name: value("name"), Email: value("email"), Phone: value("phone"), Position: value("position")}); err != nil {
			return err
		}
	}
}
