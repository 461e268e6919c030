package web

import (
	"net/http"
	"regexp"

	"booking/host/internal/store"
)

// mailView is one mail with its link made clickable.
type mailView struct {
	store.Mail
	Link string
}

var linkInMail = regexp.MustCompile(`https?://\S+/recover/[A-Z0-9]+`)

// mails is the demo's outbox: whoever sees the page can sign in as anybody, so it is
// there in the demo only.
func (s *Server) mails(w http.ResponseWriter, r *http.Request, v *visit) error {
	kept, err := s.Store.Mails(r.Context(), s.Box)
	if err != nil {
		return err
	}
	all := make([]mailView, 0, len(kept))
	for _, m := range kept {
		all = append(all, mailView{m, linkInMail.FindString(m.Body)})
	}
	return s.show(w, v, http.StatusOK, "mail", all)
}
