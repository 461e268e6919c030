package web

// access is who may see a page.
type access int

const (
	// anyone: without signing in.
	anyone access = iota
	// member: whoever is signed in.
	member
	// admin: administrators of the tenant, and super administrators who chose it.
	admin
	// super: super administrators.
	super
)

// route is one line of the table.
type route struct {
	pattern string
	who     access
	page    page
}

// routes is every address there is. (Tests hold the table against what each kind of
// visitor may do; an address that is missing there fails them.)
func (s *Server) routes() []route {
	return append(s.publicRoutes(), []route{
		{"GET /{$}", member, s.home},
		{"GET /account", member, s.account},
		{"POST /account/sessions", member, s.endSessions},
		{"POST /sign-out", member, s.signOut},

		{"GET /tenants", super, s.tenants},
		{"POST /tenants", super, s.chooseTenant},

		{"GET /settings/crm", admin, s.settings},
		{"POST /settings/crm", admin, s.saveSettings},
		{"POST /settings/crm/check", admin, s.checkSettings},
		{"POST /settings/crm/runs", admin, s.startRun},
		{"POST /settings/crm/schedule", admin, s.saveSchedule},
		{"GET /settings/crm/choices/{field}", admin, s.choices},
		{"POST /settings/crm/choices/{field}", admin, s.saveChoices},
		{"POST /settings/crm/notices", admin, s.saveNotices},

		{"GET /settings/events", admin, s.events},
		{"POST /settings/events", admin, s.saveEvents},

		{"GET /settings/tokens", admin, s.tokens},
		{"POST /settings/tokens", admin, s.addToken},
		{"POST /settings/tokens/{id}/revoke", admin, s.revokeToken},

		{"GET /runs", admin, s.history},
		{"GET /runs/{run}", admin, s.run},
		{"GET /runs/{run}/events", admin, s.runEvents},
		{"POST /runs/{run}/cancel", admin, s.cancelRun},
		{"POST /runs/{run}/invite", admin, s.inviteNewcomers},
		{"GET /runs/{run}/changes.csv", admin, s.runCSV},
		{"GET /runs/{run}/changes.json", admin, s.runJSON},

		{"GET /people", admin, s.people},
		{"GET /people/new", admin, s.newPerson},
		{"POST /people/new", admin, s.addPerson},
		{"GET /people/portal", admin, s.portalPerson},
		{"GET /people/{person}", admin, s.person},
		{"POST /people/{person}", admin, s.savePerson},
		{"GET /audit", admin, s.auditPage},
		{"POST /people/{person}/invite", admin, s.invite},
	}...)
}

func (s *Server) publicRoutes() []route {
	public := []route{
		{"GET /sign-in", anyone, s.signInPage},
		{"POST /sign-in", anyone, s.signIn},
		{"GET /recover", anyone, s.recoverPage},
		{"POST /recover", anyone, s.recover},
		{"GET /recover/{token}", anyone, s.passwordPage},
		{"POST /recover/{token}", anyone, s.setPassword},
		{"GET /first-run", anyone, s.firstRunPage},
		{"POST /first-run", anyone, s.firstRun},
		{"POST /recover/{token}/again", anyone, s.recoverAgain},
		{"POST /language", anyone, s.language},
		{"GET /static/{file}", anyone, s.staticFile},
		{"GET /healthz", anyone, s.healthz},
		{"GET /readyz", anyone, s.readyz},
		{"/", anyone, s.notFound},
	}
	if s.Demo {
		public = append(public, route{"GET /mail", anyone, s.mails})
	}
	return public
}
