package config

// Sharing are the tenants that share a host, or share all hosts that no tenant names: there a token says which tenant a
// connection belongs to, not the host.
func Sharing(tenants []Tenant) map[string]bool {
	claims := map[string][]string{} // tenants by host, "" for all hosts that no tenant names
	for i := range tenants {
		t := &tenants[i]
		if len(t.Hosts) == 0 || t.AllowUnresolved {
			claims[""] = append(claims[""], t.Name)
		}
		for _, host := range t.Hosts {
			host = CanonicalHost(host)
			claims[host] = append(claims[host], t.Name)
		}
	}
	sharing := map[string]bool{}
	for _, names := range claims {
		for _, name := range names {
			if len(names) > 1 {
				sharing[name] = true
			}
		}
	}
	return sharing
}
