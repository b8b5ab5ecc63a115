package auth_test

import (
	"context"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

const dataset = "datasetUpdate/610217e481f6fc54736209e0"

// right asks whether a user whose token grants everything may hear a topic.
func (b *fixture) right(id *protocol.Identity, topic string) protocol.Reason {
	if refusal := protocol.AsRefusal(b.Authorize(context.Background(), "acme", id, topic)); refusal != nil {
		return refusal.Reason
	}
	return ""
}

// R004.29, R004.37: the token's patterns decide, and for some topics the backend.
func TestAuthorize_AsksTheBackendAboutItsTopics(t *testing.T) {
	there := &backend{knows: map[string]string{"access acme alice " + dataset: `{"allow":true}`}}
	b := one(t, there.with(withSecret()))
	alice := &protocol.Identity{User: "alice", Topics: []protocol.Pattern{"*"}}
	for topic, want := range map[string]protocol.Reason{
		dataset:                  "",
		"datasetUpdate/other":    protocol.Forbidden,
		"datasetUpdate":          protocol.Forbidden, // its subscribers hear everything below it
		"uploadFile/x/y":         protocol.Forbidden,
		"issueUpdate/x":          "",
		"datasetUpdates":         "",
		"telemetry":              "",
		"uploadFile":             protocol.Forbidden,
		"datasetUpdateelse/what": "",
	} {
		if got := b.right(alice, topic); got != want {
			t.Errorf("%s: %q, want %q", topic, got, want)
		}
	}
	for _, about := range there.asked {
		if !strings.Contains(about, "datasetUpdate") && !strings.Contains(about, "uploadFile") ||
			strings.Contains(about, "datasetUpdates") {
			t.Errorf("it was asked about %s", about)
		}
	}
	asked := there.count()
	if got := b.right(alice, dataset); got != "" || there.count() != asked {
		t.Errorf("%q, asked %d times more", got, there.count()-asked)
	}
	there.down = true
	if got := b.right(alice, "datasetUpdate/new"); got != protocol.Busy {
		t.Errorf("while the backend is down: %q", got)
	}
}

func TestAuthorize_WhatTheTokenDoesNotGrantIsNotAskedAbout(t *testing.T) {
	there := &backend{knows: map[string]string{"access acme alice " + dataset: `{"allow":true}`}}
	b := one(t, there.with(withSecret()))
	for _, id := range []*protocol.Identity{
		nil, {User: "alice"}, {User: "alice", Topics: []protocol.Pattern{"issueUpdate/*"}},
		{Topics: []protocol.Pattern{"*"}},
		{User: "alice", Tenant: "b", Topics: []protocol.Pattern{"*"}},
	} {
		if got := b.right(id, dataset); got != protocol.Forbidden {
			t.Errorf("%+v: %q", id, got)
		}
	}
	if there.count() != 0 {
		t.Errorf("asked %q", there.asked)
	}
	if refusal := protocol.AsRefusal(b.Authorize(context.Background(), "nobody",
		&protocol.Identity{User: "alice", Topics: []protocol.Pattern{"*"}}, dataset)); refusal == nil ||
		refusal.Reason != protocol.Forbidden {
		t.Errorf("in a tenant that there is not: %v", refusal)
	}
}

func TestAuthorize_WithAnUnresolvedTenantTheIdentityNamesIt(t *testing.T) {
	there := &backend{knows: map[string]string{"access acme alice " + dataset: `{"allow":true}`}}
	b := one(t, there.with(withSecret()))
	id := &protocol.Identity{Tenant: "acme", User: "alice", Topics: []protocol.Pattern{"*"}}
	if err := b.Authorize(context.Background(), auth.UnresolvedTenant, id, dataset); err != nil {
		t.Error(err)
	}
	if got := b.right(id, "datasetUpdate/other"); got != protocol.Forbidden {
		t.Errorf("%q", got)
	}
	if err := b.Authorize(context.Background(), auth.UnresolvedTenant,
		&protocol.Identity{User: "alice", Topics: []protocol.Pattern{"*"}}, "x"); err == nil {
		t.Error("who is of no tenant may hear something")
	}
}

// Patterns of all kinds, and what lies above and below them.
func TestAuthorize_CoversWhatIsAboveAPattern(t *testing.T) {
	for pattern, topics := range map[string]map[string]bool{
		"a/b":  {"a/b": true, "a/b/c": true, "a": true, "a/bc": false, "b": false},
		"a/*":  {"a": true, "a/b": true, "a/b/c": true, "ab": false, "b": false},
		"a/b*": {"a": true, "a/b": true, "a/bc": true, "a/b/c": true, "a/c": false},
		"*":    {"a": true, "a/b": true},
	} {
		there := &backend{}
		keys := there.with(withSecret())
		keys.Introspection.Topics = []string{pattern}
		b := one(t, keys)
		for topic, asked := range topics {
			want := protocol.Reason("")
			if asked {
				want = protocol.Forbidden
			}
			if got := b.right(&protocol.Identity{User: "alice", Topics: []protocol.Pattern{"*"}}, topic); got != want {
				t.Errorf("pattern %s, topic %s: %q, want %q", pattern, topic, got, want)
			}
		}
	}
}

// A backend's answers outlive a reload that does not change how it is asked.
func TestReload_KeepsTheBackendThatStays(t *testing.T) {
	there := &backend{knows: map[string]string{"access acme alice " + dataset: `{"allow":true}`}}
	b := one(t, there.with(withSecret()))
	alice := &protocol.Identity{User: "alice", Topics: []protocol.Pattern{"*"}}
	_ = b.right(alice, dataset)
	if err := b.SetTenant("acme", there.with(withOutposts())); err != nil {
		t.Fatal(err)
	}
	if got := b.right(alice, dataset); got != "" || there.count() != 1 {
		t.Errorf("%q, asked %d times", got, there.count())
	}
	changed := there.with(withSecret())
	changed.Introspection.Tries = 2
	if err := b.SetTenant("acme", changed); err != nil {
		t.Fatal(err)
	}
	if got := b.right(alice, dataset); got != "" || there.count() != 2 {
		t.Errorf("%q, asked %d times", got, there.count())
	}
	if f := b.Stats().Introspection["acme"]; f.Calls != 1 || f.Breaker != "closed" {
		t.Errorf("stats %+v", f)
	}
	if err := b.SetTenant("acme", withSecret()); err != nil {
		t.Fatal(err)
	}
	if got := b.right(alice, "datasetUpdate/other"); got != "" || len(b.Stats().Introspection) != 0 {
		t.Errorf("%q without a backend", got)
	}
	b.Close()
}

func TestIntrospection_SettingsThatCannotBeMeantAreNamed(t *testing.T) {
	for want, change := range map[string]func(*auth.TenantKeys){
		"introspection: topics": func(k *auth.TenantKeys) { k.Introspection.Topics = []string{"a//b"} },
		"url":                   func(k *auth.TenantKeys) { k.Introspection.URL = "nowhere" },
		"secret":                func(k *auth.TenantKeys) { k.Introspection.Secret = "hunter2" },
	} {
		keys := (&backend{}).with(withSecret())
		change(&keys)
		_, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{"acme": keys})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
