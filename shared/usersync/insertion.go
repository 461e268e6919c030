package usersync

import (
	"context"
	"strconv"
)

// insertion is the text of one INSERT with many rows. Placeholders would cost more:
// bun looks at each argument by reflection and grows a new buffer for each statement,
// and 1,000 rows of history are 14,000 arguments. Texts are quoted by bun's dialect
// here as well; the buffer is kept for the next statement of the run.
type insertion struct {
	quote  func(b []byte, value string) []byte
	text   []byte
	rows   int
	values int // in the row that is open
}

// insertInto begins a statement; the one before it must have been executed.
func (c *chunk) insertInto(table string, columns ...string) *insertion {
	i := &c.insertion
	i.quote, i.rows = c.tx.Dialect().AppendString, 0
	i.text = append(i.text[:0], "INSERT INTO "+quoted(table)+" ("+list(columns...)+") VALUES "...)
	return i
}

// row begins a row; its values follow in the order of the columns.
func (i *insertion) row() {
	if i.rows > 0 {
		i.text = append(i.text, "), "...)
	}
	i.text = append(i.text, '(')
	i.rows++
	i.values = 0
}

func (i *insertion) next() {
	if i.values > 0 {
		i.text = append(i.text, ", "...)
	}
	i.values++
}

// sql adds values that are SQL already.
func (i *insertion) sql(literals string) {
	i.next()
	i.text = append(i.text, literals...)
}

func (i *insertion) string(value string) {
	i.next()
	i.text = i.quote(i.text, value)
}

// stringOrNull adds NULL for nil.
func (i *insertion) stringOrNull(value *string) {
	if value == nil {
		i.sql("NULL")
		return
	}
	i.string(*value)
}

// idOrNull adds NULL for 0.
func (i *insertion) idOrNull(id int64) {
	if id == 0 {
		i.sql("NULL")
		return
	}
	i.next()
	i.text = strconv.AppendInt(i.text, id, 10)
}

// execute ends the statement and executes it, past bun: there is nothing to format.
func (i *insertion) execute(ctx context.Context, c *chunk) error {
	i.text = append(i.text, ')')
	_, err := c.tx.Tx.ExecContext(ctx, string(i.text))
	return err
}
