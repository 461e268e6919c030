package rest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"booking/shared/crm"
)

// Department is a node of the company's tree; Parent is empty at the top, Sort is the
// place among its siblings (the same for many of them).
type Department struct {
	ID, Name, Parent string
	Sort             int
}

// Departments reads the whole tree, in the order of the IDs (department.get has
// offset pages only). A list that does not agree with the portal's count is read once more.
func (c *Client) Departments(ctx context.Context) ([]Department, error) {
	for range 2 {
		all, total, err := c.departments(ctx)
		if err != nil {
			return nil, err
		}
		if total < 0 || total == len(all) {
			return all, nil
		}
	}
	return nil, crm.NewError(crm.CodePortalAnswer, textIncomplete, fmt.Errorf("the departments and their count differ"))
}

func (c *Client) departments(ctx context.Context) (all []Department, total int, err error) {
	known := map[string]bool{}
	for start := 0; ; start += PageSize {
		a, err := c.call(ctx, methodDepartments, map[string]any{"sort": "ID", "order": "ASC", "START": start})
		if err != nil {
			return nil, 0, err
		}
		page, ok := parseList(a.result)
		if !ok {
			return nil, 0, nonsense("the departments are no list").asError()
		}
		before := len(all)
		for _, raw := range page {
			if d := parseDepartment(raw); d.ID != "" && !known[d.ID] {
				known[d.ID] = true
				all = append(all, d)
			}
		}
		// Past the end some servers repeat the last page: then nobody is new.
		if len(page) < PageSize || len(all) == before || len(all) == a.total {
			return all, a.total, nil
		}
	}
}

func parseDepartment(raw []byte) (d Department) {
	fields := map[string]*string{"ID": &d.ID, "NAME": &d.Name, "PARENT": &d.Parent}
	members(raw, func(name, value []byte) {
		if field := fields[string(name)]; field != nil {
			*field = parseText(value).clean()
		} else if string(name) == "SORT" {
			d.Sort = max(0, parseText(value).count())
		}
	})
	return d
}

// Below returns ids and everything below them, each once, numerically sorted. An id that the
// tree does not have is an error.
func Below(tree []Department, ids []string) ([]string, error) {
	children := map[string][]string{}
	known := map[string]bool{}
	for _, d := range tree {
		known[d.ID] = true
		children[d.Parent] = append(children[d.Parent], d.ID)
	}
	var unknown, found []string
	taken := map[string]bool{}
	for _, id := range ids {
		if !known[id] {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) > 0 {
		return nil, crm.NewError(crm.CodePortalAnswer, textUnknownDepartments(strings.Join(unknown, ", ")), nil)
	}
	for queue := slices.Clone(ids); len(queue) > 0; queue = queue[1:] {
		if id := queue[0]; !taken[id] {
			taken[id] = true
			found = append(found, id)
			queue = append(queue, children[id]...)
		}
	}
	slices.SortFunc(found, compare)
	return found, nil
}
