package main

import (
	"maps"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/doctor"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
)

// helpVars are what the tags of commands and flags name as ${...}: the dialects, and lines of help that a tag has no
// room for.
func helpVars() kong.Vars {
	dialects := strings.Join(client.DialectsOf(protocols.All).Names(), ",")
	vars := kong.Vars{
		"dialects":  dialects,
		"backup_to": "The file to make; one of that name is replaced when the new one is whole.",
		"backup_url": "The internal address of the server that has the directory open; by default the " +
			"one that it left there.",
		"doctor_checks": strings.Join(doctor.Names(), ","),
		"check_config":  "The YAML file (parley.yaml).",
		"listen_dialect": "The protocol to speak: one of " + dialects +
			". Without one, all that hear the topics, and all but outposts if there are none.",
		"explain_dialect": "The protocol that the client speaks, one of " + dialects +
			"; by default the first that is enabled and can ask for the topic.",
		"backup": "Make one file of a data directory, of a server that runs or of one that does " +
			"not.",
		"publish_kind": "What the event is: telemetry, alert, device_status, system_status, " +
			"project_updated, object, trigger_update, message, json, named or value.",
		"restore_in_place": "Nothing is to be put in place: a snapshot of the disk or the machine was put " +
			"back, and the server cannot tell. Its durable topics begin new epochs at the next start.",
		"restore_data": "The data directory; it has to be empty, or not there, unless --in-place is " +
			"given.",
		"serve_ready_file": "Write the addresses there as JSON when the server serves (for port 0); it is " +
			"removed at the end.",
		"serve_config":          "The YAML file; by default parley.yaml, and none in dev mode.",
		"serve_internal_listen": "Health and metrics (127.0.0.1:8001; in dev mode the same as --listen).",
		"serve_drain":           "How long closing all connections may take on SIGTERM (30s; in dev mode 2s).",
		"serve_feed":            "Publish lively sample events (on in dev mode; --feed=false turns it off).",
		"token_config":          "The YAML file with the key; by default dev mode's.",
	}
	maps.Copy(vars, clientHelp)
	return vars
}

// clientHelp are the lines of the commands that talk to a server.
var clientHelp = kong.Vars{
	"top_internal": "The internal address, which has the figures of the whole server; by default that of the " +
		"context, else the server itself.",
	"bench_token": "The token that all clients show; by default that of the context. For a server on this " +
		"machine, each client has one of dev mode.",
	"bench_payload": "A file with the data of the events, a JSON object that has {MARK} in a text; by default " +
		"a message, which every protocol can say.",
	"doctor_config": "The server's YAML file, for the data directory, the memory limit, key sets and webhooks.",
	"doctor_wait": "How long a silent connection has to live: longer than engine.ping_every; 0s does " +
		"not wait.",
	"listen_token": "The token to show; by default that of the context. For a server on this machine, one for " +
		"dev mode is made.",
	"listen_user": "Who to be in dev mode, when no token is given (listener): what is sent to that user is heard.",
	"listen_kind": "Only events of this kind (telemetry, message...), or messages that the dialect calls so; " +
		"may be repeated.",
	"listen_exec": "Run this command for each message, which is on its stdin, one after the other: a program " +
		"and its arguments, split at spaces. There is no shell.",
	"listen_time":   "Begin each line with the time and the dialect (on if the output is a terminal).",
	"listen_topics": "What to hear, such as telemetry/1; by default all that the dialect has.",
	"server_url":    "The server; by default that of the context, else http://127.0.0.1:8000.",
	"server_key":    "The tenant's API key; by default that of the context, else dev mode's.",
	"server_context": "The context whose server and key are meant; by default the current one (parley context " +
		"use).",
	"history_after": "Only what came behind this position; one that the topic has lost is an error.",
	"kick_whom":     "A connection's id, such as ws-7, or a user.",
	"why_what":      "A connection's id, such as ws-7, a user, or the request id of a refusal.",
	"tap_whom": "A connection's id, such as ws-7, a user, or with --topic a topic; --key is the admin key, if the " +
		"server has one.",
}
