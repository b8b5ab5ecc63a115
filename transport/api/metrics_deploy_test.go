package api

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// metricLabels are the labels of every metric that the server has, by name; those of Prometheus' own collectors have
// none.
func metricLabels(t *testing.T) map[string][]string {
	t.Helper()
	own := newAPIMetrics(nil, &Config{})
	descs := make(chan *prometheus.Desc, 1000)
	for _, c := range []prometheus.Collector{
		&engineCollector{}, authCollector{}, webhookCollector{}, processCollector{}, own.requests, own.refusals,
	} {
		c.Describe(descs)
	}
	close(descs)
	all := map[string][]string{"up": nil, "process_open_fds": nil, "process_max_fds": nil,
		"process_cpu_seconds_total": nil}
	described := regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{(.*)\}\}`)
	for desc := range descs {
		found := described.FindStringSubmatch(desc.String())
		if found == nil {
			t.Fatalf("%s", desc)
		}
		all[found[1]] = strings.Split(found[2], ",")
	}
	return all
}

// The dashboard and the alerts name metrics that the server has, and labels that these have.
func TestMetrics_DashboardAndAlertsNameThoseThatExist(t *testing.T) {
	const deploy = "../../cmd/parley/deploy/"
	dashboard, err := os.ReadFile(deploy + "grafana/parley.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Type, Title string
			FieldConfig struct{ Defaults struct{ Unit string } }
			Targets     []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(dashboard, &board); err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, p := range board.Panels {
		if p.Type != "row" && (p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0) {
			t.Errorf("the panel %s has no unit or no query", p.Title)
		}
		for _, target := range p.Targets {
			queries = append(queries, target.Expr+" "+target.LegendFormat)
		}
	}
	alerts, err := os.ReadFile(deploy + "prometheus/parley.rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	queries = append(queries, strings.Split(string(alerts), "- alert:")[1:]...)
	if len(queries) < 30 {
		t.Fatalf("there are %d queries", len(queries))
	}
	checkQueries(t, queries, metricLabels(t))
}

func checkQueries(t *testing.T, queries []string, known map[string][]string) {
	names := regexp.MustCompile(`\b(?:parley|process)_\w+`)
	labels := regexp.MustCompile(`by \(([\w, ]+)\)|\{\{ ?(?:\$labels\.)?(\w+) ?\}\}|(\w+)!?=~?"`)
	for _, query := range queries {
		has := []string{"instance", "job", "le", "severity"}
		for _, name := range names.FindAllString(query, -1) {
			name = strings.TrimSuffix(name, "_bucket")
			if _, ok := known[name]; !ok {
				t.Errorf("there is no metric %s: %s", name, query)
			}
			has = append(has, known[name]...)
		}
		for _, found := range labels.FindAllStringSubmatch(query, -1) {
			for _, label := range strings.FieldsFunc(found[1]+" "+found[2]+" "+found[3], func(r rune) bool {
				return r == ',' || r == ' '
			}) {
				if !slices.Contains(has, label) {
					t.Errorf("no metric of it has the label %s: %s", label, query)
				}
			}
		}
	}
}
