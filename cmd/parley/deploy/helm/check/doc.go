// Package check tests the Helm chart: it renders the chart and decodes what comes out strictly into the types of
// Kubernetes and of the Prometheus operator. It is a module of its own, so that nobody else needs those.
package check
