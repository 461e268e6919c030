package reason

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"booking/shared/crm"
)

// Every reason of the contract is explained in both languages.
func TestEveryReasonIsExplained(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../../shared/crm/sync.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, is := n.(*ast.ValueSpec)
		if !is || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		found++
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		line := Of(crm.Reason(value)).Line()
		if line.RU == value || line.RU == "" || line.EN == "" {
			t.Errorf("%s is explained by %+v", value, line)
		}
		return true
	})
	if found < 8 {
		t.Errorf("only %d reasons found in the contract", found)
	}
}
