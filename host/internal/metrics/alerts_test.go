package metrics

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metricsql"
	"go.yaml.in/yaml/v4"
)

// rules are alert rules as Prometheus reads them.
type rules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr, For string
			Labels           map[string]string
			Annotations      map[string]string
		}
	}
}

// The README's alert rules speak of metrics and labels that really exist.
func TestTheAlertRulesOfTheREADMEMeanWhatIsMeasured(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(groups:.*?)```").FindSubmatch(readme)
	if block == nil {
		t.Fatal("the README has no alert rules")
	}
	var all rules
	decoder := yaml.NewDecoder(strings.NewReader(string(block[1])))
	decoder.KnownFields(true)
	if err := decoder.Decode(&all); err != nil {
		t.Fatal(err)
	}
	measured := full(t).labels()
	names := map[string]bool{}
	for _, rule := range all.Groups[0].Rules {
		if names[rule.Alert] || rule.Alert == "" || rule.Annotations["summary"] == "" {
			t.Errorf("%q: no name, one twice, or no summary", rule.Alert)
		}
		names[rule.Alert] = true
		if _, err := time.ParseDuration(rule.For); rule.For != "" && err != nil {
			t.Errorf("%s: for: %v", rule.Alert, err)
		}
		for _, problem := range checkRule(rule.Expr, strings.Join(slices.Collect(maps.Values(rule.Annotations)), " "), measured) {
			t.Errorf("%s: %s", rule.Alert, problem)
		}
	}
	for _, about := range []string{"last_success_age", "failures_in_a_row", "held", "conflicts", "queue_oldest", "plugin_deaths"} {
		if !strings.Contains(string(block[1]), about) {
			t.Errorf("no rule watches %s", about)
		}
	}
}

// labels are the metrics that a scrape of everything has, and what labels they have.
// Prometheus itself adds instance and job.
func (b *bench) labels() map[string][]string {
	b.t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	all := map[string][]string{}
	for _, family := range families {
		known := []string{"instance", "job"}
		for _, label := range family.GetMetric()[0].GetLabel() {
			known = append(known, label.GetName())
		}
		all[family.GetName()] = known
	}
	return all
}

var labelInText = regexp.MustCompile(`\$labels\.(\w+)`)

// checkRule says what is wrong with an expression: its grammar, a metric or a label that
// does not exist, or a label in the text that the expression has grouped away.
func checkRule(expr, text string, measured map[string][]string) []string {
	parsed, err := metricsql.Parse(expr)
	if err != nil {
		return []string{err.Error()}
	}
	var problems, used, grouped []string
	metricsql.VisitAll(parsed, func(e metricsql.Expr) {
		switch e := e.(type) {
		case *metricsql.MetricExpr:
			for _, filters := range e.LabelFilterss {
				name := filters[0].Value
				if filters[0].Label != "__name__" || measured[name] == nil {
					problems = append(problems, "there is no metric "+name)
					continue
				}
				used = append(used, measured[name]...)
				for _, filter := range filters[1:] {
					if !slices.Contains(measured[name], filter.Label) {
						problems = append(problems, name+" has no label "+filter.Label)
					}
				}
			}
		case *metricsql.AggrFuncExpr:
			grouped = append(grouped, e.Modifier.Args...)
		}
	})
	if len(used) == 0 {
		problems = append(problems, "no metric of ours is in it")
	}
	for _, label := range grouped {
		if !slices.Contains(used, label) {
			problems = append(problems, "grouped by the label "+label+", which none of its metrics has")
		}
	}
	for _, label := range labelInText.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(grouped, label[1]) {
			problems = append(problems, "the text names the label "+label[1]+", which is not there any more")
		}
	}
	return problems
}

// A check that lets everything through would be worth nothing.
func TestTheCheckOfAlertRulesSeesMistakes(t *testing.T) {
	t.Parallel()
	measured := map[string][]string{"booking_a": {"tenant", "state"}}
	for expr, good := range map[string]bool{
		`max by (tenant) (booking_a{state="x"}) > 3`: true, `increase(booking_a[5m]) > 0`: true,
		`booking_b > 3`: false, `booking_a{plugin="x"} > 3`: false, `max by (plugin) (booking_a) > 3`: false, `max by (tenant (booking_a)`: false, `1 > 0`: false,
	} {
		if problems := checkRule(expr, "", measured); (len(problems) == 0) != good {
			t.Errorf("%s: %v", expr, problems)
		}
	}
	if problems := checkRule(`max by (tenant) (booking_a)`, "of {{ $labels.state }}", measured); len(problems) != 1 {
		t.Errorf("%v", problems)
	}
}
