package check

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const folder = "../parley"

// tenant is a configuration with which a server starts.
const tenant = `
config:
  tenants:
    - name: main
      api_keys: ["an API key of some length"]
      keys: [{alg: HS256, secret: "a secret of thirty-two bytes or more"}]
`

// everything switches on what is off.
const everything = tenant + `
persistence: {enabled: true, storageClass: fast}
env: [{name: PARLEY_API_ADMIN_KEY, valueFrom: {secretKeyRef: {name: keys, key: admin}}}]
envFrom: [{secretRef: {name: more}}]
imagePullSecrets: [{name: pull}]
service: {type: LoadBalancer, annotations: {a: b}}
internalService: {annotations: {a: b}}
ingress:
  {enabled: true, className: nginx, hosts: [events.example.org], tls: [{hosts: [events.example.org], secretName: t}]}
networkPolicy: {enabled: true, internalFrom: [{namespaceSelector: {matchLabels: {name: monitoring}}}]}
podDisruptionBudget: {enabled: true}
serviceMonitor: {enabled: true, labels: {release: prometheus}}
prometheusRule: {enabled: true, labels: {release: prometheus}}
dashboard: {enabled: true}
podAnnotations: {a: b}
podLabels: {c: d}
nodeSelector: {disk: fast}
tolerations: [{key: only, operator: Exists}]
affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: []}}
priorityClassName: high
`

// object is one manifest, decoded strictly.
type object interface {
	GetName() string
	GetLabels() map[string]string
}

// kinds are those that the chart may have.
var kinds = map[string]func() object{
	"Secret": func() object { return new(core.Secret) }, "ConfigMap": func() object { return new(core.ConfigMap) },
	"Service": func() object { return new(core.Service) }, "Deployment": func() object { return new(apps.Deployment) },
	"StatefulSet":         func() object { return new(apps.StatefulSet) },
	"Ingress":             func() object { return new(networking.Ingress) },
	"NetworkPolicy":       func() object { return new(networking.NetworkPolicy) },
	"PodDisruptionBudget": func() object { return new(policy.PodDisruptionBudget) },
	"ServiceMonitor":      func() object { return new(monitoring.ServiceMonitor) },
	"PrometheusRule":      func() object { return new(monitoring.PrometheusRule) },
}

// render is what "helm template shop folder" gives, by kind and name; err is what it would fail with.
func render(t *testing.T, values string) (all map[string]object, err error) {
	t.Helper()
	given := map[string]any{}
	if err := yaml.Unmarshal([]byte(values), &given); err != nil {
		t.Fatal(err)
	}
	texts, err := template(t, given)
	if err != nil {
		return nil, err
	}
	all = map[string]object{}
	for file, text := range texts {
		if filepath.Ext(file) != ".yaml" {
			continue
		}
		for manifest := range strings.SplitSeq(text, "\n---\n") {
			if o := decode(t, file, manifest); o != nil {
				all[kindOf(manifest)+" "+o.GetName()] = o
			}
		}
	}
	return all, nil
}

// template renders the files of the chart.
func template(t *testing.T, given map[string]any) (map[string]string, error) {
	t.Helper()
	loaded, err := loader.LoadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	release := chartutil.ReleaseOptions{Name: "shop", Namespace: "prod", Revision: 1, IsInstall: true}
	values, err := chartutil.ToRenderValues(loaded, given, release, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(loaded, values)
}

func kindOf(manifest string) string {
	var head meta.TypeMeta
	_ = yaml.Unmarshal([]byte(manifest), &head)
	return head.Kind
}

// decode refuses a kind, a field and a value that Kubernetes does not know. It returns nil for a manifest of comments.
func decode(t *testing.T, file, manifest string) object {
	t.Helper()
	if text := bytes.TrimSpace([]byte(manifest)); len(text) == 0 {
		return nil
	}
	made := kinds[kindOf(manifest)]
	if made == nil {
		t.Fatalf("%s has an object of the kind %q:\n%s", file, kindOf(manifest), manifest)
	}
	o := made()
	if err := yaml.UnmarshalStrict([]byte(manifest), o); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, manifest)
	}
	return o
}

func mustRender(t *testing.T, values string) map[string]object {
	t.Helper()
	all, err := render(t, values)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func names(all map[string]object) (sorted []string) {
	for name := range all {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	return sorted
}

func TestChart_LintsWithoutAWord(t *testing.T) {
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(everything), &values); err != nil {
		t.Fatal(err)
	}
	for _, m := range lint.All(folder, values, "prod", true).Messages {
		if m.Severity > support.InfoSev { // an icon is recommended
			t.Error(m)
		}
	}
}

func TestChart_IsAWorkloadTwoServicesAndItsConfiguration(t *testing.T) {
	for values, want := range map[string][]string{
		tenant: {"Secret shop-parley", "Service shop-parley", "Service shop-parley-internal",
			"StatefulSet shop-parley"},
		tenant + "persistence: {enabled: false}": {"Deployment shop-parley", "Secret shop-parley",
			"Service shop-parley", "Service shop-parley-internal"},
		"existingSecret: mine": {"Service shop-parley", "Service shop-parley-internal", "StatefulSet shop-parley"},
		everything: {"ConfigMap shop-parley-dashboard", "Ingress shop-parley", "NetworkPolicy shop-parley",
			"PodDisruptionBudget shop-parley", "PrometheusRule shop-parley", "Secret shop-parley",
			"Service shop-parley", "Service shop-parley-internal", "ServiceMonitor shop-parley",
			"StatefulSet shop-parley"},
	} {
		if got := names(mustRender(t, values)); !slices.Equal(got, want) {
			t.Errorf("%s\nmakes %v,\nwant  %v", values, got, want)
		}
	}
}

// What refers to something by name finds it.
func TestChart_ItsPartsFindEachOther(t *testing.T) {
	all := mustRender(t, everything)
	set := all["StatefulSet shop-parley"].(*apps.StatefulSet)
	pod := set.Spec.Template
	container := pod.Spec.Containers[0]
	ports := map[string]bool{}
	for _, p := range container.Ports {
		ports[p.Name] = true
	}
	for _, probe := range []*core.Probe{container.StartupProbe, container.LivenessProbe, container.ReadinessProbe} {
		at := probe.HTTPGet
		if at.Port.StrVal != "internal" || at.Path != "/healthz" && at.Path != "/readyz" {
			t.Errorf("a probe asks %+v", at)
		}
	}
	for _, name := range []string{"shop-parley", "shop-parley-internal"} {
		service := all["Service "+name].(*core.Service)
		for key, value := range service.Spec.Selector {
			if pod.Labels[key] != value {
				t.Errorf("%s selects %s=%s", name, key, value)
			}
		}
		for _, p := range service.Spec.Ports {
			if !ports[p.TargetPort.StrVal] {
				t.Errorf("%s leads to the port %s", name, p.TargetPort.StrVal)
			}
		}
	}
	if set.Spec.ServiceName != "shop-parley-internal" || pod.Spec.Volumes[0].Secret.SecretName != "shop-parley" {
		t.Errorf("service %s, secret %s", set.Spec.ServiceName, pod.Spec.Volumes[0].Secret.SecretName)
	}
	monitor := all["ServiceMonitor shop-parley"].(*monitoring.ServiceMonitor)
	for key, value := range monitor.Spec.Selector.MatchLabels {
		if all["Service shop-parley-internal"].GetLabels()[key] != value {
			t.Errorf("the monitor looks for %s=%s", key, value)
		}
	}
	if job := all["Service shop-parley-internal"].GetLabels()[monitor.Spec.JobLabel]; job != "parley" {
		t.Errorf("the scrape is called %q, and the alerts ask for parley", job)
	}
	if rules := all["PrometheusRule shop-parley"].(*monitoring.PrometheusRule); len(rules.Spec.Groups[0].Rules) < 15 {
		t.Errorf("%d alerts", len(rules.Spec.Groups[0].Rules))
	}
}

func TestChart_ThePodHasNoRightsAndTimeToDrain(t *testing.T) {
	pod := mustRender(t, tenant+"drainSeconds: 60")["StatefulSet shop-parley"].(*apps.StatefulSet).Spec.Template.Spec
	c := pod.Containers[0]
	may := c.SecurityContext
	switch {
	case !*pod.SecurityContext.RunAsNonRoot, *pod.AutomountServiceAccountToken, *may.AllowPrivilegeEscalation,
		!*may.ReadOnlyRootFilesystem, !slices.Equal(may.Capabilities.Drop, []core.Capability{"ALL"}):
		t.Errorf("the pod may do too much: %+v %+v", pod.SecurityContext, c.SecurityContext)
	case *pod.TerminationGracePeriodSeconds != 70:
		t.Errorf("it has %d s to end", *pod.TerminationGracePeriodSeconds)
	case *pod.EnableServiceLinks:
		t.Error("variables of services are in its environment")
	}
	if !slices.Contains(c.Env, core.EnvVar{Name: "PARLEY_DRAIN", Value: "60s"}) {
		t.Errorf("environment: %v", c.Env)
	}
}

func TestChart_RefusesWhatCannotWork(t *testing.T) {
	for values, want := range map[string]string{
		"":                                     "config.tenants is empty",
		tenant + "replicas: 2":                 "replicas",
		tenant + "replica: 1":                  "replica",
		tenant + "persistence: {size: much}":   "size",
		tenant + "ingress: {enabled: true}":    "ingress.hosts is empty",
		tenant + "drainSeconds: 30s":           "drainSeconds",
		tenant + "service: {type: Public}":     "type",
		tenant + "persistence: {storage: 8Gi}": "storage",
	} {
		if _, err := render(t, values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a word about %s", values, err, want)
		}
	}
}

// A server starts with the file that ends up in the Secret.
func TestChart_TheServerTakesItsConfiguration(t *testing.T) {
	binary := os.Getenv("PARLEY_BINARY")
	if binary == "" {
		t.Skip("PARLEY_BINARY does not name a server")
	}
	secret := mustRender(t, tenant)["Secret shop-parley"].(*core.Secret)
	file := filepath.Join(t.TempDir(), "parley.yaml")
	if err := os.WriteFile(file, []byte(secret.StringData["parley.yaml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	check := exec.CommandContext(t.Context(), binary, "check", "--config", file)
	set := mustRender(t, tenant)["StatefulSet shop-parley"].(*apps.StatefulSet)
	for _, v := range set.Spec.Template.Spec.Containers[0].Env {
		if v.Name != "PARLEY_DATA" { // a volume of the pod
			check.Env = append(check.Env, v.Name+"="+v.Value)
		}
	}
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s\n%s", err, out, secret.StringData["parley.yaml"])
	}
}
