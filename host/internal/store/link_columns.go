package store

import "context"

// LinkColumns lists the external-id columns that users has, by name: one per CRM
// that was ever connected here.
func (s *Store) LinkColumns(ctx context.Context) ([]string, error) {
	var names []string
	err := s.read(ctx, "read the columns of users", func(ctx context.Context) error {
		names = nil
		// MySQL heads this column COLUMN_NAME unless it is named here.
		return s.db.NewSelect().TableExpr("information_schema.columns").ColumnExpr("column_name AS column_name").
			Where("table_schema = DATABASE()").Where("table_name = 'users'").
			Where("column_name LIKE ?", "%\\_user\\_id").Order("column_name").Scan(ctx, &names)
	})
	if err != nil {
		return nil, err
	}
	columns := names[:0]
	for _, name := range names {
		if linkColumn.MatchString(name) {
			columns = append(columns, name)
		}
	}
	return columns, nil
}
