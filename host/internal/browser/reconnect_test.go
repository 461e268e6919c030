package browser

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A run that another process carries out goes on while the host of the pages is started
// anew, and a proxy says meanwhile that it is away: whoever watches sees its end all the
// same, without touching the page; so does the second administrator, who stops it.
func TestWhoeverWatchesSeesTheEndThoughTheHostWasStartedAnew(t *testing.T) {
	w := newEmptyWorld(t, "--people", "70")
	w.call("", "tenants", "add", "--name", "ООО «Ромашка»")
	w.call(password, "users", "add", "--tenant", "1", "--email", adminEmail, "--name", "Анна Админ", "--role", "admin", "--password-stdin")
	w.call(w.webhook, "crm", "connect", "--tenant", "1", "--plugin", pluginName, "--secret", "webhook_url")
	stop := w.serve()
	b := w.newTab()
	b.signIn(adminEmail, password)
	b.see("синхронизаций ещё не было")
	w.change("POST", "faults", "hang,times=1")
	sync := w.command("", "sync-users", "--tenant", "1")
	if err := sync.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = sync.Wait() // it was stopped, and says so
		close(ended)
	}()
	t.Cleanup(func() {
		_ = sync.Process.Kill()
		<-ended
	})
	b.strip("Идёт синхронизация")
	b.click(`.strip a[href="/runs/1"]`)
	b.see("Страницу можно закрыть")
	b.eventually("the first news", func() bool { // what is read aloud comes with it
		said, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("[data-said]").textContent`))
		return err == nil && said == "Читаем сотрудников из портала"
	})

	stop()
	w.away()
	w.serve()
	other := w.newTab()
	other.signIn(adminEmail, password)
	other.see("Идёт синхронизация")
	other.stop("1")
	b.see("остановлено")
	<-ended
	other.quiet()
}

// away is a proxy whose host is away: it says so until somebody who watches has heard it.
func (w *world) away() {
	w.t.Helper()
	heard, once := make(chan struct{}), sync.Once{}
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		http.Error(out, "the host is away", http.StatusBadGateway)
		if strings.HasSuffix(r.URL.Path, "/events") {
			once.Do(func() { close(heard) })
		}
	}))
	proxy.Listener.Close()
	proxy.Listener = w.listen()
	proxy.Start()
	defer proxy.Close()
	select {
	case <-heard:
	case <-time.After(patience):
		w.t.Fatal("nobody asks any more")
	}
}

// listen takes the host's address, which it has just left.
func (w *world) listen() net.Listener {
	w.t.Helper()
	l, err := net.Listen("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}
