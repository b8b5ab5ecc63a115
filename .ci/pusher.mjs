// What .ci/pusher runs. Usage: node pusher.mjs HOST PORT
import assert from "node:assert/strict";
import Echo from "laravel-echo";
import Backend from "pusher";
import Client from "pusher-js";

const [host, port] = process.argv.slice(2);
const backend = new Backend({ appId: "1", key: "dev", secret: "dev-secret", host, port, useTLS: false });
const where = { cluster: "", wsHost: host, wsPort: Number(port), forceTLS: false, enabledTransports: ["ws"], disableStats: true };
const sign = (socket, channel, user) =>
  backend.authorizeChannel(socket, channel, channel.startsWith("presence-") ? { user_id: user, user_info: { name: user } } : undefined);
const connect = (user, key = "dev") =>
  new Client(key, {
    ...where,
    channelAuthorization: { customHandler: (p, done) => done(null, sign(p.socketId, p.channelName, user)) },
    userAuthentication: { customHandler: (p, done) => done(null, backend.authenticateUser(p.socketId, { id: user })) },
  });

// next resolves with the data of the next event of that name.
const next = (target, event) =>
  new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no ${event} came`)), 20_000);
    const heard = (data) => {
      clearTimeout(late);
      target.unbind(event, heard);
      resolve(data);
    };
    target.bind(event, heard);
  });
const subscribed = async (client, channel) => {
  const made = client.subscribe(channel);
  await next(made, "pusher:subscription_succeeded");
  return made;
};
const json = async (response) => (await response).json();

let passed = 0;
const test = async (what, does) => {
  try {
    await does();
  } catch (error) {
    console.log(`FAIL  ${what}: ${error.stack}`);
    process.exit(1);
  }
  passed++;
  console.log(`ok    ${what}`);
};

const ann = connect("ann");
const bob = connect("bob");
await Promise.all([next(ann.connection, "connected"), next(bob.connection, "connected")]);
const news = await subscribed(ann, "news");
const room = await subscribed(ann, "presence-room");

await test("a public channel hears an event of the backend", async () => {
  const heard = next(news, "posted");
  await backend.trigger("news", "posted", { x: 1 });
  assert.deepEqual(await heard, { x: 1 });
});
await test("socket_id excludes", async () => {
  const other = await subscribed(bob, "news");
  let mine = 0;
  news.bind("posted", (data) => (mine += data));
  const heard = next(other, "posted");
  await backend.trigger("news", "posted", 1, { socket_id: ann.connection.socket_id });
  await heard;
  const all = next(news, "posted");
  await backend.trigger("news", "posted", 10);
  await all;
  assert.equal(mine, 10);
});
await test("a client event goes from one client to another", async () => {
  const [from, to] = await Promise.all([subscribed(ann, "private-a"), subscribed(bob, "private-a")]);
  const heard = next(to, "client-wave");
  from.trigger("client-wave", { hi: 1 });
  assert.deepEqual(await heard, { hi: 1 });
});
await test("members come and go", async () => {
  assert.equal(room.members.count, 1);
  const added = next(room, "pusher:member_added");
  const theirs = await subscribed(bob, "presence-room");
  assert.deepEqual(await added, { id: "bob", info: { name: "bob" } });
  assert.deepEqual([theirs.members.count, theirs.members.me.id], [2, "bob"]);
  const removed = next(room, "pusher:member_removed");
  bob.unsubscribe("presence-room");
  assert.equal((await removed).id, "bob");
});
await test("the backend asks for channels and users", async () => {
  const channels = backend.get({ path: "/channels", params: { filter_by_prefix: "presence-", info: "user_count" } });
  assert.deepEqual(await json(channels), { channels: { "presence-room": { user_count: 1 } } });
  assert.deepEqual(await json(backend.get({ path: "/channels/presence-room/users" })), { users: [{ id: "ann" }] });
  const one = backend.get({ path: "/channels/nobody", params: { info: "subscription_count" } });
  assert.deepEqual(await json(one), { occupied: false, subscription_count: 0 });
});
await test("a batch is published in its order", async () => {
  const heard = next(news, "second");
  const answer = backend.triggerBatch([
    { name: "first", channel: "presence-room", data: { y: 2 }, info: "user_count" },
    { name: "second", channel: "news", data: "x" },
  ]);
  assert.deepEqual(await json(answer), { batch: [{ user_count: 1 }, {}] });
  assert.equal(await heard, "x");
});
await test("a cache channel has its last event", async () => {
  await next(ann.subscribe("cache-a"), "pusher:cache_miss");
  await backend.trigger("cache-a", "last", { z: 1 });
  assert.deepEqual(await next(bob.subscribe("cache-a"), "last"), { z: 1 });
});
await test("a client signs in and hears what is for its user", async () => {
  ann.signin();
  await next(ann.connection, "message");
  const heard = next(ann.user, "direct");
  while (ann.user.user_data?.id !== "ann") await next(ann.connection, "message");
  await backend.sendToUser("ann", "direct", { q: 1 });
  assert.deepEqual(await heard, { q: 1 });
});
await test("the backend ends the connections of a user", async () => {
  const ended = next(ann.connection, "error");
  await backend.terminateUserConnections("ann");
  assert.match(JSON.stringify(await ended), /4009/);
});
await test("another secret is refused", async () => {
  const other = new Backend({ appId: "1", key: "dev", secret: "another-secret", host, port, useTLS: false });
  await assert.rejects(other.trigger("news", "posted", 1), (error) => error.status === 401);
});
await test("a client with an unknown key does not come back", async () => {
  const stranger = connect("eve", "unknown");
  await next(stranger.connection, "disconnected");
});
for (const broadcaster of ["reverb", "pusher"]) {
  await test(`Laravel Echo (${broadcaster}): here, listen, joining, whisper, leaving`, async () => {
    const echoOf = (user) =>
      new Echo({
        ...where, broadcaster, key: "dev", Pusher: Client,
        authorizer: (channel) => ({ authorize: (socket, done) => done(null, sign(socket, channel.name, user)) }),
      });
    const [eva, kim] = [echoOf("eva"), echoOf("kim")];
    const lobby = eva.join("lobby");
    assert.deepEqual(await new Promise((ok) => lobby.here(ok)), [{ name: "eva" }]);
    const joins = new Promise((ok) => lobby.joining(ok));
    const orders = kim.private("orders");
    await Promise.all([new Promise((ok) => orders.subscribed(ok)), new Promise((ok) => kim.join("lobby").subscribed(ok))]);
    assert.deepEqual(await joins, { name: "kim" });
    const shipped = new Promise((ok) => orders.listen(".shipped", ok));
    await backend.trigger("private-orders", "shipped", { o: 1 });
    assert.deepEqual(await shipped, { o: 1 });
    const whispered = new Promise((ok) => lobby.listenForWhisper("typing", ok));
    kim.join("lobby").whisper("typing", { t: 1 });
    assert.deepEqual(await whispered, { t: 1 });
    const leaves = new Promise((ok) => lobby.leaving(ok));
    kim.disconnect();
    assert.deepEqual(await leaves, { name: "kim" });
    eva.disconnect();
  });
}
console.log(`${passed} passed`);
process.exit(0);
