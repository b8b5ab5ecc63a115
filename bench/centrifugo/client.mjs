// Holds a server against Centrifugo's own client for JavaScript, unchanged:
//
//	node client.mjs PARLEY
//
// PARLEY is the binary. The packages centrifuge and ws are found from the working directory. One line a check; the status is
// that of the whole.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const require = createRequire(join(process.cwd(), 'x.js'));
const { Centrifuge, UnauthorizedError } = require('centrifuge');
const WebSocket = require('ws');

const dir = mkdtempSync(join(tmpdir(), 'parley-centrifuge-'));
const ready = join(dir, 'ready.json');
writeFileSync(join(dir, 'parley.yaml'), 'topic_rules: [{pattern: "*", publish: subscribers, history_count: 100}]\n');
const server = spawn(process.argv[2], ['serve', '--dev', '--feed=false', '--config', join(dir, 'parley.yaml'),
	'--listen', '127.0.0.1:0', '--ready-file', ready], { stdio: 'ignore' });

const address = await poll(() => { try { return JSON.parse(readFileSync(ready)).address; } catch { return undefined; } });

async function poll(probe) {
	for (let i = 0; i < 300; i++) {
		const got = await probe();
		if (got !== undefined) return got;
		await new Promise((r) => setTimeout(r, 50));
	}
	throw new Error('it did not come in 15 s');
}

// token makes a token of the user alice.
function token(claims, seconds = 3600) {
	const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
	const text = part({ alg: 'HS256', typ: 'JWT' }) + '.' + part({ sub: 'alice', exp: Math.floor(Date.now() / 1000) + seconds, ...claims });
	return text + '.' + createHmac('sha256', 'parley-dev-secret-not-for-production').update(text).digest('base64url');
}

const clients = [];

// open connects a client.
async function open(options = {}) {
	const client = new Centrifuge(`ws://${address}/connection/websocket`,
		{ websocket: WebSocket, token: token({ info: { name: 'Alice' } }), minReconnectDelay: 1, maxReconnectDelay: 10, ...options });
	clients.push(client);
	client.connect();
	await client.ready(15000);
	return client;
}

// subscribe subscribes; heard are the publications, joined who came.
async function subscribe(client, channel, options = {}) {
	const sub = client.newSubscription(channel, options);
	sub.heard = [], sub.joined = [], sub.recovered = [];
	sub.on('publication', (c) => sub.heard.push(c.data));
	sub.on('join', (c) => sub.joined.push(c.info.user));
	sub.on('subscribed', (c) => sub.recovered.push(c.recovered));
	sub.subscribe();
	await sub.ready(15000);
	return sub;
}

async function publish(channel, data) {
	const answer = await fetch(`http://${address}/api/publish`, { method: 'POST', headers: { 'X-API-Key': 'dev' }, body: JSON.stringify({ channel, data }) });
	assert.ok((await answer.json()).result.offset > 0);
}

const checks = {
	async 'publications, history, presence, joins'() {
		const [a, b] = [await open(), await open()];
		const first = await subscribe(a, 'room', { joinLeave: true });
		const second = await subscribe(b, 'room');
		await poll(() => first.joined.length ? true : undefined);
		await second.publish({ n: 1 });
		await publish('room', 'two');
		await poll(() => first.heard.length === 2 && second.heard.length === 2 ? true : undefined);
		assert.deepEqual(first.heard, [{ n: 1 }, 'two']);
		const past = await first.history({ limit: -1 });
		assert.deepEqual(past.publications.map((p) => p.data), [{ n: 1 }, 'two']);
		assert.deepEqual((await first.history({ limit: 1, reverse: true })).publications.map((p) => p.offset), [2]);
		const present = Object.values((await first.presence()).clients);
		assert.deepEqual(present.map((p) => [p.user, p.connInfo.name]), [['alice', 'Alice'], ['alice', 'Alice']]);
		assert.deepEqual(await first.presenceStats(), { numUsers: 1, numClients: 2 });
	},
	async 'recovery over a broken connection'() {
		const client = await open();
		const sub = await subscribe(client, 'recovery');
		await publish('recovery', 1);
		await poll(() => sub.heard.length === 1 ? true : undefined);
		client.disconnect();
		await publish('recovery', 2);
		await publish('recovery', 3);
		client.connect();
		await poll(() => sub.heard.length === 3 ? true : undefined);
		await publish('recovery', 4);
		await poll(() => sub.heard.length === 4 ? true : undefined);
		assert.deepEqual(sub.heard, [1, 2, 3, 4]);
		assert.deepEqual(sub.recovered, [false, true]);
	},
	async 'a token that expires is asked for again'() {
		let asked = 0;
		const client = await open({ token: '', getToken: async () => (asked++, token({}, 2)) });
		await poll(() => asked > 1 ? true : undefined);
		assert.equal(client.state, 'connected');
	},
	async 'a channel with a token of its own'() {
		const client = await open();
		const sub = await subscribe(client, '$own', { getToken: async (c) => token({ channel: c.channel }) });
		await publish('$own', 1);
		await poll(() => sub.heard.length ? true : undefined);
		const denied = client.newSubscription('$other', { getToken: async () => token({ channel: '$own' }) });
		const over = new Promise((r) => denied.on('unsubscribed', r));
		denied.subscribe();
		assert.equal((await over).code, 103);
	},
	async 'channels that come with the token'() {
		const client = new Centrifuge(`ws://${address}/connection/websocket`, { websocket: WebSocket, token: token({ channels: ['news'] }) });
		clients.push(client);
		const subscribed = new Promise((r) => client.on('subscribed', r)), heard = new Promise((r) => client.on('publication', r));
		client.connect();
		assert.equal((await subscribed).channel, 'news');
		await publish('news', { n: 1 });
		assert.deepEqual((await heard).data, { n: 1 });
	},
	async 'a token of somebody else, and an rpc'() {
		const client = await open();
		await assert.rejects(client.rpc('m', {}), { code: 108 });
		const stranger = new Centrifuge(`ws://${address}/connection/websocket`, { websocket: WebSocket, token: token({}) + 'x',
			getToken: async () => { throw new UnauthorizedError('no'); } });
		clients.push(stranger);
		const over = new Promise((r) => stranger.on('disconnected', r));
		stranger.connect();
		assert.equal((await over).code, 3500);
	},
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
	try {
		await check();
		console.log('ok    centrifuge-js:', name);
	} catch (err) {
		failed++;
		console.log('FAIL  centrifuge-js:', name, '\n', err);
	}
}
for (const client of clients) client.disconnect();
server.kill();
rmSync(dir, { recursive: true });
process.exit(failed ? 1 : 0);
