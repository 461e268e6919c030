package cli

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// cobraSentences are what cobra and its flags say of wrong usage, which have no types
// to tell them by, and what people are told instead.
var cobraSentences = []struct {
	pattern *regexp.Regexp
	ru, en  string
}{
	{regexp.MustCompile(`^unknown command (".*?") for`), "нет команды %s", "there is no command %s"},
	{regexp.MustCompile(`^unknown (?:shorthand )?flag: (.+)$`), "нет ключа %s", "there is no flag %s"},
	{regexp.MustCompile(`^flag needs an argument: (.+)$`), "после %s нужно значение", "%s needs a value"},
	{regexp.MustCompile(`^invalid argument (".*") for "(?:-., )?(--\S+)" flag`), "значение %s не подходит для %s", "the value %s does not fit %s"},
	{regexp.MustCompile(`^required flag\(s\) (.+) not set$`), "не хватает ключей: %s", "flags are missing: %s"},
	{regexp.MustCompile(`^accepts (\d+) arg\(s\), received (\d+)$`), "нужно слов после команды: %s, дано: %s", "words after the command: %s wanted, %s given"},
	{regexp.MustCompile(`^if any flags in the group \[(.+?)\]`), "вместе нельзя: %s", "not together: %s"},
}

// usageText puts cobra's sentence into the operator's language; others stay as they are.
func (a *app) usageText(text string) string {
	for _, s := range cobraSentences {
		found := s.pattern.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		var words []any
		for _, word := range found[1:] {
			words = append(words, word)
		}
		return fmt.Sprintf(a.say(s.ru, s.en), words...)
	}
	return text
}

// isCobraUsage recognises the errors cobra makes itself.
func isCobraUsage(err error) bool {
	for _, s := range cobraSentences {
		if s.pattern.MatchString(err.Error()) {
			return true
		}
	}
	return false
}

// commandWords are a command's words behind the program's name.
func commandWords(cmd *cobra.Command) string {
	_, words, _ := strings.Cut(cmd.CommandPath(), " ")
	return words
}
