package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"booking/shared/crmhost"
)

var (
	pluginState  = prometheus.NewDesc("booking_plugin_state", "Where a plugin's process stands: 1 for the state it is in.", []string{"plugin", "state"}, nil)
	pluginDeaths = prometheus.NewDesc("booking_plugin_deaths_total", "Processes of a plugin that died; each is started again.", []string{"plugin"}, nil)
	pluginUses   = prometheus.NewDesc("booking_plugin_uses", "Calls that hold a plugin's processes.", []string{"plugin"}, nil)
	pluginInfo   = prometheus.NewDesc("booking_plugin_info", "The version of the process that new calls get.", []string{"plugin", "version"}, nil)
)

var pluginStates = []crmhost.State{
	crmhost.StateDiscovered, crmhost.StateUntrusted, crmhost.StateStarting, crmhost.StateReady, crmhost.StateDraining, crmhost.StateBackingOff, crmhost.StateFailed,
}

// pluginCollector asks the plugins' supervisors at each scrape; they know by heart.
type pluginCollector struct{ plugins func() []crmhost.Status }

// Describe implements prometheus.Collector.
func (pluginCollector) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{pluginState, pluginDeaths, pluginUses, pluginInfo} {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (c pluginCollector) Collect(out chan<- prometheus.Metric) {
	for _, s := range c.plugins() {
		for _, state := range pluginStates {
			out <- gauge(pluginState, truth(s.State == state), s.Name, string(state))
		}
		uses := 0
		if s.Running != nil {
			uses = s.Running.Uses
			out <- gauge(pluginInfo, 1, s.Name, s.Running.Version)
		}
		for _, leaving := range s.Leaving {
			uses += leaving.Uses
		}
		out <- gauge(pluginUses, float64(uses), s.Name)
		out <- prometheus.MustNewConstMetric(pluginDeaths, prometheus.CounterValue, float64(s.Deaths), s.Name)
	}
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
