package rest

import (
	"context"
	"slices"
	"strings"

	"booking/shared/crm"
)

// call asks one question until it is answered or there is no hope.
func (c *Client) call(ctx context.Context, method string, params any) (*answer, error) {
	var p patience
	for {
		a, f := c.ask(ctx, question{method: method, params: params, pages: 1}, c.timeout(&p))
		if f == nil {
			return a, nil
		}
		if err := c.again(ctx, &p, f); err != nil {
			return nil, err
		}
	}
}

// Scopes are the rights of the webhook, sorted (scope.md).
func (c *Client) Scopes(ctx context.Context) ([]string, error) {
	a, err := c.call(ctx, methodScope, struct{}{})
	if err != nil {
		return nil, err
	}
	names, ok := parseList(a.result)
	if !ok {
		return nil, nonsense("the scopes are no list").asError()
	}
	var scopes []string
	for _, name := range names {
		scopes = append(scopes, strings.ToLower(parseText(name).clean()))
	}
	slices.Sort(scopes)
	return scopes, nil
}

// briefOnly reports whether the webhook may see people, but not their addresses
// (user-scope.md).
func (c *Client) briefOnly(ctx context.Context) (bool, error) {
	scopes, err := c.Scopes(ctx)
	if crm.CodeOf(err) == crm.CodePortalAnswer {
		return false, nil // a portal that does not tell: nobody has an address, then
	}
	if err != nil {
		return false, err
	}
	return isBrief(scopes), nil
}

func isBrief(scopes []string) bool {
	return slices.Contains(scopes, "user_brief") && !slices.Contains(scopes, "user") && !slices.Contains(scopes, "user_basic")
}
