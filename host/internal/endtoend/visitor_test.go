package endtoend

import (
	"crypto/rand"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// visitor is an administrator who is signed in to the pages of a serving host.
type visitor struct {
	w      *world
	base   string
	client *http.Client
}

// signIn makes an administrator of a tenant, who signs in.
func (w *world) signIn(base, tenant string) visitor {
	w.t.Helper()
	password := collected.secret("an administrator's password", rand.Text())
	email := "admin-" + rand.Text() + "@example.com"
	w.must(password, "users", "add", "--tenant", tenant, "--email", email, "--name", "A", "--role", "admin", "--password-stdin")
	jar, err := cookiejar.New(nil)
	must(w.t, err)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	v := visitor{w: w, base: base, client: &http.Client{Jar: jar, CheckRedirect: stay}}
	v.send("/sign-in", "email", email, "password", password)
	return v
}

// send sends a form, and returns where its answer leads to.
func (v visitor) send(address string, fields ...string) (location string) {
	v.w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	request, err := http.NewRequest(http.MethodPost, v.base+address, strings.NewReader(form.Encode()))
	must(v.w.t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "same-origin") // as a browser says
	answer, err := v.client.Do(request)
	must(v.w.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(v.w.t, err)
	if answer.StatusCode != http.StatusSeeOther {
		v.w.t.Fatalf("%s: %s\n%s", address, answer.Status, text)
	}
	return answer.Header.Get("Location")
}

// mustGet looks at pages.
func (v visitor) mustGet(addresses ...string) {
	v.w.t.Helper()
	for _, address := range addresses {
		answer, err := v.client.Get(v.base + address)
		must(v.w.t, err)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			v.w.t.Errorf("%s%s: %s", v.base, address, answer.Status)
		}
	}
}

// press presses the settings page's button and returns the run it leads to.
func (v visitor) press(mode string) int64 {
	v.w.t.Helper()
	location := v.send("/settings/crm/runs", "mode", mode)
	run, err := strconv.ParseInt(path.Base(location), 10, 64)
	if err != nil {
		v.w.t.Fatalf("the button leads to %s", location)
	}
	return run
}
