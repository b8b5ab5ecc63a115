package api

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// tenants does GET /api/v1/admin/tenants.
func (a *API) tenants(_ context.Context, rc *requestContext) error {
	if rc.r.URL.RawQuery != "" {
		return protocol.Refuse(protocol.Malformed, "this call has no query parameters")
	}
	rc.out = append(rc.out, `{"tenants":[`...)
	for i, name := range a.node.Tenants() {
		if i > 0 {
			rc.out = append(rc.out, ',')
		}
		rc.out = appendTextMember(append(rc.out, '{'), "tenant", name)
		rc.out = append(appendMember(rc.out, "figures"), '{')
		stats := a.node.Stats(name)
		rc.out = append(appendFigures(rc.out, stats.Connections), '}')
		rc.out = strconv.AppendBool(appendMember(rc.out, "suspended"), stats.Suspended)
		rc.out = append(rc.out, '}')
	}
	rc.out = append(rc.out, "]}"...)
	return nil
}

// drainTime is how long a drain takes by default.
const drainTime = 2 * time.Second

// drainTenant does POST /api/v1/admin/tenants/{tenant}/drain: it closes the tenant's connections one after the other.
// The clients come back, here or to another server.
func (a *API) drainTenant(ctx context.Context, rc *requestContext) error {
	tenant, err := rc.nameParam("tenant")
	if err != nil {
		return err
	}
	over, err := a.readDrainTime(rc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, over)
	defer cancel()
	closed, err := a.node.DrainTenant(ctx, tenant)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) { // the node closed the rest at once
		return err
	}
	a.cfg.Logger.Info("an operator drained a tenant", "tenant", tenant, "closed", closed)
	rc.out = appendTextMember(append(rc.out, '{'), "tenant", tenant)
	rc.out = append(appendCount(rc.out, "closed", closed), '}')
	return nil
}

// readDrainTime reads the body of a drain, which may be empty.
func (a *API) readDrainTime(rc *requestContext) (time.Duration, error) {
	over := min(drainTime, a.cfg.RequestTimeout)
	if err := rc.readBody(maxSmallBody, a.cfg.RequestTimeout); err != nil || len(rc.body) == 0 {
		return over, err
	}
	members, err := parseBody(rc.body, []string{"over"})
	if err != nil {
		return 0, err
	}
	if raw := rawjson.Find(members, "over"); raw != nil {
		seconds, err := strconv.ParseFloat(string(raw), 64)
		if limit := a.cfg.RequestTimeout; err != nil || !(seconds > 0 && seconds <= limit.Seconds()) {
			return 0, protocol.Refuse(protocol.Malformed,
				"over must be a number of seconds above 0 and up to %g (api.request_timeout)", limit.Seconds())
		}
		over = time.Duration(seconds * float64(time.Second))
	}
	return over, nil
}

// restartTenant does POST /api/v1/admin/tenants/{tenant}/restart.
func (a *API) restartTenant(ctx context.Context, rc *requestContext) error {
	ctx, cancel := context.WithTimeout(ctx, min(drainTime, a.cfg.RequestTimeout))
	defer cancel()
	return a.changeTenant(rc, "restarted", true, func(tenant string) error {
		if err := a.node.RestartTenant(ctx, tenant); !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return nil // the node closed the rest at once
	})
}

// suspendTenant does POST /api/v1/admin/tenants/{tenant}/suspend.
func (a *API) suspendTenant(_ context.Context, rc *requestContext) error {
	return a.changeTenant(rc, "suspended", true, func(tenant string) error {
		return a.node.SuspendTenant(tenant, true)
	})
}

// resumeTenant does POST /api/v1/admin/tenants/{tenant}/resume.
func (a *API) resumeTenant(_ context.Context, rc *requestContext) error {
	return a.changeTenant(rc, "suspended", false, func(tenant string) error {
		return a.node.SuspendTenant(tenant, false)
	})
}

// changeTenant changes the tenant that the path names, and answers with its new state.
func (a *API) changeTenant(rc *requestContext, is string, value bool, do func(tenant string) error) error {
	tenant, err := rc.nameParam("tenant")
	if err != nil {
		return err
	}
	if err := do(tenant); err != nil {
		return err
	}
	a.cfg.Logger.Info("an operator changed a tenant", "tenant", tenant, is, value)
	rc.out = appendTextMember(append(rc.out, '{'), "tenant", tenant)
	rc.out = append(strconv.AppendBool(appendMember(rc.out, is), value), '}')
	return nil
}
