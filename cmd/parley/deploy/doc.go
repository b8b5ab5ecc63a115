// Package deploy holds what operators put into place: the unit of systemd, the packages, the image, the files of
// proxies, a chart for Kubernetes, alerts for Prometheus and panels for Grafana. It has no code. .ci/deploy has
// systemd, Prometheus, dpkg, rpm, buildah and Helm check the files; a test of the metrics holds that those which they
// name exist.
package deploy
