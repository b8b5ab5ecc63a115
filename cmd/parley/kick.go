package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/terminal"
)

type kickCommand struct {
	serverFlags
	terminal.Output
	User   bool   `help:"What is named is a user, whatever it looks like."`
	Code   int    `placeholder:"N" help:"The code of the close frame; by default the server's."`
	Reason string `help:"The reason in the close frame."`
	Whom   string `arg:"" name:"id|user" help:"${kick_whom}"`
}

// Run closes connections.
func (c *kickCommand) Run() error {
	api, err := c.api()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	answer, err := c.kick(ctx, api)
	if err != nil {
		return err
	}
	var told struct{ Disconnected int }
	if err := json.Unmarshal(answer, &told); err != nil {
		return err
	}
	if told.Disconnected == 0 {
		return fmt.Errorf("no connection and no user %.100q is here now", c.Whom)
	}
	if p := c.Printer(os.Stdout); p.JSON() {
		return p.Raw(answer)
	} else if told.Disconnected == 1 {
		return p.Line("1 connection was closed")
	} else {
		return p.Line("%d connections were closed", told.Disconnected)
	}
}

// connectionID is how connections are called: ws-7, in a cluster ws-7@node.
var connectionID = regexp.MustCompile(`^ws-[0-9]+(@.+)?$`)

// kick closes the connection of that id; if there is none, or no id looks like this, those of the user.
func (c *kickCommand) kick(ctx context.Context, api client.API) ([]byte, error) {
	how := map[string]any{}
	if c.Code != 0 {
		how["code"] = c.Code
	}
	if c.Reason != "" {
		how["reason"] = c.Reason
	}
	if !c.User && connectionID.MatchString(c.Whom) {
		answer, err := api.Call(ctx, http.MethodDelete, "/api/v1/connections/"+url.PathEscape(c.Whom), nil, how)
		if refused, ok := errors.AsType[*client.Refusal](err); !ok || refused.Status != http.StatusNotFound {
			return answer, err
		}
	}
	return api.Call(ctx, http.MethodPost, "/api/v1/users/disconnect", url.Values{"user": {c.Whom}}, how)
}
