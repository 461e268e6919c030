package web

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// emptySite is a host in which nobody is anything yet, and the code that its console shows.
func emptySite(t *testing.T, change ...func(*Options)) (*site, string) {
	t.Helper()
	s := newSite(t, change...)
	s.exec("DELETE FROM users")
	s.exec("DELETE FROM tenants")
	return s, s.code(s.pages)
}

// code is what the console of a host shows that starts.
func (s *site) code(pages *Server) string {
	s.t.Helper()
	code, err := pages.FirstRunCode(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return code.Reveal()
}

// beginFirstRun sends the form filled in, with some values instead of the right ones.
func (v *visitor) beginFirstRun(code string, instead ...string) answer {
	form := []string{"code", code, "company", "ООО «Ромашка»", "name", "Анна", "email", "Anna@Ours.example", "password", password, "again", password}
	for i := 0; i+1 < len(instead); i += 2 {
		for j := 0; j < len(form); j += 2 {
			if form[j] == instead[i] {
				form[j+1] = instead[i+1]
			}
		}
	}
	return v.post("/first-run", form...)
}

func TestFirstRunMakesTheCompanyAndItsAdministratorAndIsOver(t *testing.T) {
	t.Parallel()
	s, code := emptySite(t)
	if len(strings.ReplaceAll(code, "-", "")) != 20 {
		t.Fatalf("the code is %q", code)
	}
	v := s.visitor()
	v.get("/sign-in").contains(t, `href="/first-run"`)
	v.get("/first-run").contains(t, "Первый запуск", `id="code"`, "!"+code)
	// As somebody types it.
	if a := v.beginFirstRun(" " + strings.ToLower(strings.ReplaceAll(code, "-", " ")) + "\t"); a.to != "/" {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	v.get("/settings/crm").contains(t, "Три шага", "Анна", "ООО «Ромашка»")
	v.get("/audit").contains(t, "Добавлен человек", "администратор", "anna@ours.example")
	s.signedIn("anna@ours.example")
	for _, who := range []*visitor{v, s.visitor()} {
		if a := who.get("/first-run"); a.status != http.StatusNotFound {
			t.Errorf("opened again: %d", a.status)
		}
		if a := who.beginFirstRun(code, "email", "thief@ours.example"); a.status != http.StatusNotFound {
			t.Errorf("used again: %d", a.status)
		}
	}
	s.visitor().get("/sign-in").contains(t, "!first-run")
	// Nor does it come back with a new process when nobody is left.
	s.exec("UPDATE users SET is_active = 0")
	again, err := New(s.pages.Options)
	if err != nil {
		t.Fatal(err)
	}
	if code := s.code(again); code != "" {
		t.Errorf("another code: %q", code)
	}
	if n := s.count("SELECT COUNT(*) FROM booking_first_run_codes"); n != 0 {
		t.Errorf("%d codes are left", n)
	}
}

func TestFirstRunIsNotThereWhereSomebodyCanAdminister(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if code := s.code(s.pages); code != "" {
		t.Errorf("a code: %q", code)
	}
	v := s.visitor()
	if a := v.get("/first-run"); a.status != http.StatusNotFound {
		t.Errorf("%d", a.status)
	}
	v.get("/sign-in").contains(t, "!first-run")
	if a := v.beginFirstRun("AAAAA-AAAAA-AAAAA-AAAAA"); a.status != http.StatusNotFound {
		t.Errorf("%d", a.status)
	}
	if a := v.beginFirstRun("AAAAA-AAAAA-AAAAA-AAAAA", "again", "another one"); a.status != http.StatusNotFound {
		t.Errorf("with a mistake: %d", a.status)
	}
	if n := s.count("SELECT COUNT(*) FROM tenants"); n != 2 {
		t.Errorf("%d tenants", n)
	}
}

func TestFirstRunTellsNothingWithoutTheCode(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s, code := emptySite(t, func(o *Options) { o.Clock = func() time.Time { return now } })
	s.exec("INSERT INTO users (name, email, password, role, is_active) VALUES ('X', 'taken@ours.example', 'x', 'admin', 0)")
	v := s.visitor()
	a := v.beginFirstRun("AAAAA-AAAAA-AAAAA-AAAAA", "email", "taken@ours.example", "name", "")
	if a.status != http.StatusUnprocessableEntity {
		t.Errorf("%d", a.status)
	}
	a.contains(t, `id="error-code"`, "!error-email", "!error-name", "!AAAAA", "!"+password)
	tries := 1
	for ; a.status == http.StatusUnprocessableEntity && tries < 100; tries++ {
		a = v.beginFirstRun(code[:len(code)-1] + "!")
	}
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || tries > 15 {
		t.Errorf("after %d tries: %d", tries, a.status)
	}
	if a := v.beginFirstRun(code); a.status != http.StatusTooManyRequests {
		t.Errorf("the right one is told apart while slowed down: %d", a.status)
	}
	now = now.Add(time.Minute) // nobody is locked out for good
	a = v.beginFirstRun(code, "email", "taken@ours.example", "name", " ", "password", "short", "again", "short")
	a.contains(t, `id="error-name"`, `id="error-password"`, `aria-invalid="true"`, `value="taken@ours.example"`, `value="ООО «Ромашка»"`, "!"+code, "!short")
	v.beginFirstRun(code, "email", "taken@ours.example").contains(t, `id="error-email"`)
	v.beginFirstRun(code, "again", "another one").contains(t, `id="error-again"`)
	if n := s.count("SELECT COUNT(*) FROM tenants"); n != 0 {
		t.Errorf("%d tenants were made", n)
	}
	if a := v.beginFirstRun(code); a.to != "/" {
		t.Errorf("%d", a.status)
	}
	for _, secret := range []string{code, strings.ReplaceAll(code, "-", ""), password} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

// Two hosts before one database: whichever answers takes the code of either console.
func TestFirstRunTakesTheCodeOfEveryHostForADay(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s, _ := emptySite(t, func(o *Options) { o.Clock = func() time.Time { return now } })
	s.exec("DELETE FROM booking_first_run_codes")
	s.Clock = s.pages.Clock
	old := s.code(s.pages)
	now = now.Add(25 * time.Hour)
	other, err := New(s.pages.Options)
	if err != nil {
		t.Fatal(err)
	}
	code := s.code(other)
	v := s.visitor()
	v.beginFirstRun(old).contains(t, `id="error-code"`)
	if a := v.beginFirstRun(code); a.to != "/" {
		t.Errorf("%d\n%s", a.status, a.body)
	}
}
