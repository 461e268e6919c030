package crm

import "booking/shared/crm/internal/crmpb"

func syncRequestToProto(r SyncRequest) *crmpb.SyncUsersRequest {
	return &crmpb.SyncUsersRequest{
		Tenant:   tenantToProto(r.Tenant),
		Settings: settingsToProto(r.Settings),
		Mode:     valid(string(r.Mode)),
		PersonId: valid(r.PersonID),
		Policy:   &crmpb.Policy{Leavers: valid(r.Policy.Leavers)},
		RunId:    r.RunID,
		Fence:    r.Fence,
		PlanId:   valid(r.PlanID),
		PlanHash: valid(r.PlanHash),
	}
}

func syncRequestFromProto(r *crmpb.SyncUsersRequest) SyncRequest {
	return SyncRequest{
		Tenant:   tenantFromProto(r.GetTenant()),
		Settings: settingsFromProto(r.GetSettings()),
		Mode:     Mode(r.GetMode()),
		PersonID: r.GetPersonId(),
		Policy:   Policy{Leavers: r.GetPolicy().GetLeavers()},
		RunID:    r.GetRunId(),
		Fence:    r.GetFence(),
		PlanID:   r.GetPlanId(),
		PlanHash: r.GetPlanHash(),
	}
}

func progressToProto(p Progress) *crmpb.Progress {
	return &crmpb.Progress{
		Stage:        valid(string(p.Stage)),
		Done:         int64(p.Done),
		Total:        int64(p.Total),
		Requests:     int64(p.Requests),
		LimitedUntil: timeToProto(p.LimitedUntil),
	}
}

func progressFromProto(p *crmpb.Progress) Progress {
	return Progress{
		Stage:        Stage(p.GetStage()),
		Done:         int(p.GetDone()),
		Total:        int(p.GetTotal()),
		Requests:     int(p.GetRequests()),
		LimitedUntil: timeFromProto(p.GetLimitedUntil()),
	}
}

func changeToProto(c Change) *crmpb.Change {
	return &crmpb.Change{
		ExternalId:      valid(c.ExternalID),
		UserId:          c.UserID,
		Name:            valid(c.Name),
		Email:           valid(c.Email),
		Action:          valid(string(c.Action)),
		Reason:          valid(string(c.Reason)),
		Field:           valid(c.Field),
		OtherExternalId: valid(c.OtherExternalID),
		OtherUserId:     c.OtherUserID,
		Before:          valuesToProto(c.Before),
		After:           valuesToProto(c.After),
	}
}

func changeFromProto(c *crmpb.Change) Change {
	return Change{
		ExternalID:      c.GetExternalId(),
		UserID:          c.GetUserId(),
		Name:            c.GetName(),
		Email:           c.GetEmail(),
		Action:          Action(c.GetAction()),
		Reason:          Reason(c.GetReason()),
		Field:           c.GetField(),
		OtherExternalID: c.GetOtherExternalId(),
		OtherUserID:     c.GetOtherUserId(),
		Before:          valuesFromProto(c.GetBefore()),
		After:           valuesFromProto(c.GetAfter()),
	}
}

func syncResultToProto(r SyncResult) *crmpb.SyncResult {
	return &crmpb.SyncResult{
		Fetched:     int64(r.Fetched),
		Created:     int64(r.Created),
		Updated:     int64(r.Updated),
		Unchanged:   int64(r.Unchanged),
		Skipped:     int64(r.Skipped),
		Conflicts:   int64(r.Conflicts),
		Deactivated: int64(r.Deactivated),
		Partial:     r.Partial,
		Held:        r.Held,
		Portal:      valid(r.Portal),
		Requests:    int64(r.Requests),
		PlanHash:    valid(r.PlanHash),
	}
}

func syncResultFromProto(r *crmpb.SyncResult) SyncResult {
	return SyncResult{
		Counts: Counts{
			Fetched:     int(r.GetFetched()),
			Created:     int(r.GetCreated()),
			Updated:     int(r.GetUpdated()),
			Unchanged:   int(r.GetUnchanged()),
			Skipped:     int(r.GetSkipped()),
			Conflicts:   int(r.GetConflicts()),
			Deactivated: int(r.GetDeactivated()),
		},
		Partial:  r.GetPartial(),
		Held:     r.GetHeld(),
		Portal:   r.GetPortal(),
		Requests: int(r.GetRequests()),
		PlanHash: r.GetPlanHash(),
	}
}
