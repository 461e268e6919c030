package browser

import "testing"

// A run that another process carries out goes on while the host of the pages is started
// anew: whoever watches sees its end all the same, without touching the page; so does the
// second administrator, who stops it.
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
	b.see("Читаем сотрудников из портала")

	stop()
	w.serve()
	other := w.newTab()
	other.signIn(adminEmail, password)
	other.see("Идёт синхронизация")
	other.stop("1")
	b.see("остановлено")
	<-ended
	other.quiet()
}
