import assert from "node:assert/strict";
import {test} from "node:test";
import {address, clients, shown} from "../src/clients.ts";

const by = (name: string) => clients.find((c) => c.name === name)!;

test("a client shows its token in its protocol's way, through a cable of its own", () => {
  assert.equal(address(by("notify"), "n-1", "T", "me"), "/console/cable/n-1/api/v1/ws?access_token=T&client_id=me");
  assert.equal(address(by("authentik"), "a-1", "T", "me"), "/console/cable/a-1/ws/client/?client_id=me");
  assert.deepEqual(by("valtronics").says("T")[0], {type: "auth", token: "T"});
  assert.deepEqual(by("airlay").says("T")[0], {auth: "T", action: "attach", event: {type: "notification"}});
});

test("what is about the connection is told from what was published", () => {
  for (const [name, frame, want] of [
    ["dashboard", {event: "connected", client_id: "ws-1"}, ""],
    ["dashboard", {event: "heartbeat"}, ""],
    ["dashboard", {event: "project_updated"}, "project_updated"],
    ["valtronics", {type: "auth_response", success: true}, ""],
    ["valtronics", {type: "alert"}, "alert"],
    ["notify", {message: "hi", level: "info"}, "message"],
    ["notify", {count: 1}, "json"],
    ["authentik", {message_type: "message"}, "message"],
    ["airlay", {status: 200}, ""],
    ["airlay", {type: "notification"}, "notification"],
  ] as const)
    assert.equal(by(name).hears(frame), want, name + JSON.stringify(frame));
});

test("no token is shown", () => {
  assert.equal(shown('{"token":"abc","auth":"abc"}', "abc"), '{"token":"TOKEN","auth":"TOKEN"}');
  assert.equal(shown("{}", ""), "{}");
});
