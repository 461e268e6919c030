package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// visitor is a browser with a session and an address of its own.
type visitor struct {
	*site
	from   netip.Addr
	cookie *http.Cookie
}

// visitor is the n-th one of whoever visits the site, signed in by nobody.
func (s *site) visitor(n int) *visitor {
	return &visitor{site: s, from: netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})}
}

// answer is what a page said.
type answer struct {
	status int
	header http.Header
	cookie *http.Cookie
	body   string
}

// send sends a request; form nil is a GET. The answer's body must be closed.
func (v *visitor) send(ctx context.Context, path string, form url.Values) (*http.Response, error) {
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+v.serving.address+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-Forwarded-For", v.from.String())
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if v.cookie != nil {
		request.AddCookie(v.cookie)
	}
	return v.client.Do(request)
}

// ask sends a request and reads the whole answer.
func (v *visitor) ask(ctx context.Context, path string, form url.Values) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	response, err := v.send(ctx, path, form)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	a := answer{status: response.StatusCode, header: response.Header, body: string(body)}
	for _, cookie := range response.Cookies() {
		a.cookie = cookie
	}
	return a, err
}

// want asks for a page that must be answered with a status.
func (v *visitor) want(ctx context.Context, status int, path string, form url.Values) (answer, error) {
	a, err := v.ask(ctx, path, form)
	if err == nil && a.status != status {
		err = fmt.Errorf("%d, want %d", a.status, status)
	}
	if err != nil {
		return a, fmt.Errorf("ask for %s: %w", path, err)
	}
	return a, nil
}

// signIn gets the visitor a session by the form.
func (v *visitor) signIn(ctx context.Context, email string) error {
	a, err := v.want(ctx, http.StatusSeeOther, "/sign-in", url.Values{"email": {email}, "password": {password}})
	if err != nil {
		return err
	}
	if a.cookie == nil {
		return fmt.Errorf("sign in: no session")
	}
	v.cookie = a.cookie
	return nil
}

// administrators makes n of them and signs each of them in. Their hashes are cheap ones of
// old, so that two hundred sign-ins take no minute: the way through the form is the same.
func (s *site) administrators(ctx context.Context, n int) ([]*visitor, error) {
	cheap, err := hash(leastCost)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	if err := s.add(ctx, accounts{kind: "admin", hash: cheap, role: "admin", first: 1, last: n}); err != nil {
		return nil, err
	}
	all := make([]*visitor, n)
	for i := range all {
		all[i] = s.visitor(i + 1)
		if err := all[i].signIn(ctx, fmt.Sprintf("admin-%d@load.example", i+1)); err != nil {
			return nil, fmt.Errorf("sign an administrator in: %w", err)
		}
	}
	return all, nil
}
