package endtoend

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// "A plugin's environment holds PATH, TMPDIR, locale, TZ, SSL_CERT_* and go-plugin's
// own, never BOOKING_*", not even when the operator gives the host its secrets in
// variables; its arguments hold nothing. And with the account of the README's GRANT
// statements the whole sync works.
func TestThePluginProcess(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	// The secrets stand in the host's own environment this time.
	private := collected.secret("a variable of the operator's", rand.Text())
	b.env["BOOKING_DSN"], b.env["BOOKING_DSN_FILE"] = b.dsn.FormatDSN(), ""
	b.env["BOOKING_PLUGIN_DSN"], b.env["BOOKING_PLUGIN_DSN_FILE"] = p.Through(b.narrow), ""
	b.env["SOMETHING_PRIVATE"] = private
	b.reset()
	held := stopAt(p, stop{chunk: 1})
	run := b.start("sync-users", "--tenant", b.tenant, "--json")
	b.reached(held, run)

	plugin := run.plugin()
	allowed := regexp.MustCompile(`^(PATH|TMPDIR|LANG|LC_[A-Z]+|TZ|SSL_CERT_(FILE|DIR)|PLUGIN_[A-Z_]+|CRM_PLUGIN_COOKIE)=`)
	environment := read(t, plugin, "environ")
	for _, variable := range strings.Split(strings.TrimRight(environment, "\x00"), "\x00") {
		name, _, _ := strings.Cut(variable, "=")
		if !allowed.MatchString(variable) {
			t.Errorf("the plugin's environment has %s", name)
		}
	}
	arguments := strings.Split(strings.TrimRight(read(t, plugin, "cmdline"), "\x00"), "\x00")
	if len(arguments) != 1 {
		t.Errorf("the plugin has arguments: %d", len(arguments))
	}
	for _, secret := range []string{b.narrow.Passwd, b.dsn.Passwd, private} {
		if strings.Contains(environment, secret) || strings.Contains(strings.Join(arguments, " "), secret) {
			t.Error("a secret stands in the plugin's environment or arguments")
		}
	}
	// The search at the end has seen this process, too.
	collected.sample(os.Getpid())
	if found, err := findSecrets(collected.dir, map[string]string{"CRM_PLUGIN_COOKIE": "a plugin's environment"}); err != nil || len(found) == 0 {
		t.Errorf("no plugin's environment was looked at: %v", err)
	}
	held.GoOn()
	if r := run.wait(); r.code != 0 {
		t.Fatal(r)
	}
	b.mustEqual(b.want, "with the narrow account")

	// What the account must not do, it cannot.
	narrow := openAs(t, b.narrow)
	for _, statement := range beyondGrants {
		if _, err := narrow.Exec(statement); !refusedByRights(err) {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// beyondGrants are statements that no plugin's account may run.
var beyondGrants = []string{
	"UPDATE users SET password = 'x'", "UPDATE users SET role = 'admin'", "UPDATE users SET is_active = 0", "DELETE FROM users", "SELECT password FROM users",
	"SELECT sealed FROM crm_secrets", "UPDATE crm_runs SET fence = 9", "DELETE FROM crm_changes", "DROP TABLE users",
}

func refusedByRights(err error) bool {
	var answer *mysql.MySQLError
	return errors.As(err, &answer) && (answer.Number == 1142 || answer.Number == 1143)
}

func read(t testing.TB, pid int, file string) string {
	t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
