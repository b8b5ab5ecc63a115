// A browser uses the console of a real server: node test/browser.mjs PARLEY [DIRECTORY FOR SCREENSHOTS]
import assert from "node:assert/strict";
import {spawn} from "node:child_process";
import {mkdtemp, readFile, rm, writeFile} from "node:fs/promises";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {chromium} from "playwright-core";

const [parley, shots] = process.argv.slice(2);
const directory = await mkdtemp(join(tmpdir(), "parley-console-"));
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const servers = [];
let failed = 0,
  passed = 0;

/** A server that serves, by the addresses in its ready file. */
async function serve(name, ...args) {
  const ready = join(directory, name + ".ready");
  const server = spawn(parley, ["serve", "--listen", "127.0.0.1:0", "--ready-file", ready, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  servers.push(server);
  let log = "";
  server.stderr.on("data", (text) => (log += text));
  for (let i = 0; i < 300; i++) {
    try {
      return JSON.parse(await readFile(ready, "utf8"));
    } catch {
      assert.equal(server.exitCode, null, log);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error("the server does not serve: " + log);
}

async function test(name, run) {
  try {
    await run();
    passed++;
    console.log("ok    " + name);
  } catch (error) {
    failed++;
    console.log("FAIL  " + name + "\n" + (error.stack ?? error));
  }
}

const errors = [];
async function open(context, url) {
  const page = await context.newPage();
  page.on(
    "console",
    (message) => ["error", "warning"].includes(message.type()) && errors.push(`${page.url()}: ${message.text()}`),
  );
  page.on("pageerror", (error) => errors.push(`${page.url()}: ${error}`));
  await page.goto(url);
  return page;
}

/** What axe finds that is serious, and whether the page is wider than the window. */
async function examine(page, what) {
  const found = await page.evaluate(async (source) => {
    if (!window.axe) (0, eval)(source);
    const {violations} = await window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return violations
      .filter((v) => ["serious", "critical"].includes(v.impact ?? ""))
      .map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary).join("; ")}`);
  }, axe);
  assert.deepEqual(found, [], what);
  assert.ok(
    await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
    what + " is wider than the window",
  );
}

/** A client in a page: what it hears, and how it ends. */
async function client(page, path, frames) {
  await page.evaluate(
    ([path, frames]) =>
      new Promise((resolve, reject) => {
        const ws = new WebSocket(`ws://${location.host}${path}`);
        window.heard = [];
        window.ended = new Promise((done) =>
          ws.addEventListener("close", (e) => done({code: e.code, reason: e.reason})),
        );
        ws.onmessage = (e) => window.heard.push(e.data);
        ws.onopen = () => {
          for (const frame of frames) ws.send(frame);
          resolve();
        };
        ws.onerror = reject;
      }),
    [path, frames],
  );
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
try {
  const dev = await serve("dev", "--dev", "--feed=false");
  const at = dev.internal_url + "/console/";
  const context = await browser.newContext({viewport: {width: 1280, height: 800}});
  const {token} = await (await fetch(at + "api/token?user=alice")).json();
  const publish = (body) =>
    fetch(dev.url + "/api/v1/publish", {method: "POST", headers: {"X-API-Key": "dev"}, body: JSON.stringify(body)});
  const message = {all: true, event: {kind: "message", data: {level: "info", message: "hello"}}};

  const listener = await open(context, at + "settings");
  await client(listener, "/ws/alerts", [JSON.stringify({type: "auth", token})]);
  const page = await open(context, at);

  await test("the overview says how the server is, within a second", async () => {
    await page.getByRole("heading", {level: 1, name: /All is well/}).waitFor();
    const painted = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
    assert.ok(painted > 0 && painted < 1000, `painted after ${painted} ms`);
  });
  await test("figures move after a publish", async () => {
    const tile = page.locator(".tile", {hasText: "Published"});
    const before = await tile.locator("small").textContent();
    for (let i = 0; i < 5; i++) assert.equal((await publish(message)).status, 200);
    await page.waitForFunction(
      (before) =>
        [...document.querySelectorAll(".tile")].some(
          (t) => t.textContent.startsWith("Published") && t.querySelector("small").textContent !== before,
        ),
      before,
    );
    await page.locator(".u-wrap").first().waitFor();
  });
  await test("keys go from page to page", async () => {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the page");
    await page.keyboard.press("Enter");
    await page.keyboard.press("g");
    await page.keyboard.press("c");
    await page.getByRole("heading", {level: 1, name: "Connections"}).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1");
    await page.keyboard.press("/");
    assert.equal(
      await page.evaluate(() => document.activeElement.closest("label").textContent),
      "User, or connection id",
    );
    await page.keyboard.press("Escape");
  });
  await test("a connection is found by its user, and ended from its page", async () => {
    await page.getByLabel("User, or connection id").fill("nobody-of-that-name");
    await page.getByText("No open connection is like that.").waitFor();
    await page.getByLabel("User, or connection id").fill("alice");
    await page.getByRole("rowheader", {name: /^ws-/}).getByRole("link").click();
    await page.getByRole("button", {name: "Disconnect…"}).click();
    await examine(page, "the dialog");
    await page.getByLabel("Close code").fill("4001");
    await page.getByLabel("Reason").fill("kicked");
    await page.getByRole("button", {name: "Disconnect", exact: true}).click();
    await page.getByText(/somebody asked for it: kicked/).waitFor();
    assert.deepEqual(await listener.evaluate(() => window.ended), {code: 4001, reason: "kicked"});
  });
  await test("why it ended is found by its user, and by its reason", async () => {
    await page.getByRole("link", {name: "Why?"}).click();
    await page.getByLabel("Look for").selectOption("user");
    await page.getByLabel("Which one").fill("alice");
    await page.getByRole("button", {name: "Look"}).click();
    await page.getByRole("heading", {level: 1, name: "Closed"}).waitFor();
    await page
      .getByRole("row", {name: /kicked/})
      .getByRole("link", {name: /^ws-/})
      .click();
    await page.getByText("by the server", {exact: false}).or(page.getByText("the server, with code 4001")).waitFor();
  });
  await test("a client that is refused is found by its request id", async () => {
    const answer = await fetch(dev.url + "/ws/client/"); // it is no handshake
    const {request_id} = (await answer.json()).error;
    await page.goto(at + "refused?request_id=" + request_id);
    await page.getByText("No refusal is like that.").waitFor(); // it came to no tenant
    await page.getByLabel(/Of all tenants/).check();
    await page.getByRole("cell", {name: request_id}).waitFor();
  });
  await test("a question is answered with the rules that were asked", async () => {
    await page.goto(at + "why");
    await page.getByLabel("Topic").fill("rooms/7");
    await page.getByLabel("User", {exact: true}).fill("bob");
    await page.getByRole("button", {name: "Ask"}).click();
    await page.getByText(/^(Yes|No)[.:]/).waitFor();
    await page
      .getByRole("cell", {name: /and that decided|allowed/})
      .first()
      .waitFor();
  });
  await test("what is published in a topic's page is in its tail", async () => {
    await publish({topic: "rooms/7", event: {kind: "json", data: {first: true}}});
    await page.goto(at + "topics/rooms%2F7");
    await page.getByLabel("Data").fill('{"second":2}');
    await page.getByRole("button", {name: "Publish"}).click();
    await page.getByText("rooms/7, offset 2").waitFor();
    await page.getByRole("cell", {name: '{"second":2}'}).waitFor();
  });
  await test("an event is shown in every protocol's words", async () => {
    await page.goto(at + "words");
    await page.getByLabel("Data").fill('{"level":"info","message":"word for word"}');
    await page.waitForFunction(
      () =>
        document.querySelectorAll(".rendering pre").length >= 5 && document.body.textContent.includes("word for word"),
    );
  });

  const playground = await open(context, dev.url + "/");
  const pane = (name) => playground.locator(".pane", {has: playground.getByRole("heading", {name, exact: true})});
  const protocols = ["dashboard", "valtronics", "notify", "authentik", "airlay"];
  await test("what is published once is heard by all five protocols' clients", async () => {
    await playground.waitForFunction(() => document.querySelectorAll(".pane.open").length === 5);
    await playground.getByLabel("Data").fill('{"level":"info","message":"to all five"}');
    await playground.getByRole("button", {name: "Publish"}).click();
    for (const name of protocols) await pane(name).getByRole("listitem").filter({hasText: "to all five"}).waitFor();
  });
  await test("a plug is pulled and put back, and nothing was missed", async () => {
    await playground.getByRole("radio", {name: /^Only me/}).check();
    const away = protocols.slice(1); // the first is anonymous
    for (const name of away) await pane(name).getByRole("button", {name: "Pull the plug"}).click();
    await playground.waitForFunction(() => document.querySelectorAll(".pane.unplugged").length === 4);
    for (let i = 0; i < 3; i++) {
      await playground.getByLabel("Data").fill(`{"level":"info","message":"while away ${i}"}`);
      await playground.getByRole("button", {name: "Publish"}).click();
      await playground.getByText("0 connections hear it.").waitFor();
    }
    for (const name of away) await pane(name).getByRole("button", {name: "Plug it in"}).click();
    for (const name of away) {
      for (let i = 0; i < 3; i++)
        await pane(name)
          .getByRole("listitem")
          .filter({hasText: `while away ${i}`})
          .waitFor();
      await pane(name)
        .getByText(/3 came back/)
        .waitFor();
    }
    await examine(playground, "the playground");
    await playground.setViewportSize({width: 375, height: 800});
    await playground.emulateMedia({colorScheme: "dark"});
    await examine(playground, "the playground in a small window");
    await playground.close();
  });

  const paths = [
    "",
    "connections",
    "closed",
    "refused",
    "why",
    "topics",
    "topics/rooms%2F7",
    "users",
    "users/alice",
    "words",
    "tenants",
    "backends",
    "outposts",
    "settings",
  ];
  await client(listener, "/ws/alerts", [JSON.stringify({type: "auth", token})]);
  for (const scheme of ["light", "dark"]) {
    for (const width of [1280, 375]) {
      await test(`all pages are accessible, ${scheme}, ${width} px`, async () => {
        await page.emulateMedia({colorScheme: scheme, reducedMotion: "reduce"});
        await page.setViewportSize({width, height: 800});
        for (const path of paths) {
          await page.goto(at + path);
          await page.getByRole("heading", {level: 1}).waitFor();
          await page.waitForFunction(
            () => ![...document.querySelectorAll(".note")].some((n) => n.textContent === "Loading…"),
          );
          await examine(page, path);
          if (shots)
            await page.screenshot({
              path: join(shots, `${path.replaceAll(/\W+/g, "-") || "overview"}-${scheme}-${width}.png`),
              fullPage: true,
            });
        }
      });
    }
  }
  await test("the menu of a small window opens and closes", async () => {
    await page.setViewportSize({width: 375, height: 800});
    await page.getByRole("button", {name: "Menu"}).click();
    await page.getByRole("link", {name: "Topics"}).click();
    await page.getByRole("heading", {level: 1, name: "Topics"}).waitFor();
    assert.equal(await page.getByRole("link", {name: "Settings"}).isVisible(), false);
  });

  await writeFile(
    join(directory, "parley.yaml"),
    `
internal_listen: 127.0.0.1:0
api: {admin_key: a-key-of-operators, viewer_key: a-key-of-viewers}
tenants: [{name: acme, api_keys: [an-api-key-of-acme], keys: [{alg: HS256, secret: a-secret-of-32-bytes-or-more-of-acme}]}]
`,
  );
  const real = await serve("real", "--config", join(directory, "parley.yaml"));
  await test("a viewer logs in, looks, and changes nothing", async () => {
    const looks = await open(await browser.newContext(), real.internal_url + "/console/tenants");
    await looks.locator("input[name=key]").fill("a-wrong-key-of-viewers");
    await looks.getByRole("button", {name: "Log in"}).click();
    await looks.getByText("this key opens nothing here").waitFor();
    await examine(looks, "the login");
    await looks.locator("input[name=key]").fill("a-key-of-viewers");
    await looks.getByRole("button", {name: "Log in"}).click();
    await looks.getByRole("rowheader", {name: "acme"}).waitFor();
    assert.equal(await looks.getByRole("button", {name: "Suspend…"}).count(), 0);
    await looks.getByRole("button", {name: "Log out"}).click();
    await looks.locator("input[name=key]").waitFor();
  });
  await test("an operator suspends a tenant, and sees when the server hangs", async () => {
    const acts = await open(await browser.newContext(), real.internal_url + "/console/tenants");
    await acts.locator("input[name=key]").fill("a-key-of-operators");
    await acts.getByRole("button", {name: "Log in"}).click();
    await acts.getByRole("button", {name: "Suspend…"}).click();
    await acts.getByRole("button", {name: "Suspend", exact: true}).click();
    await acts.getByRole("cell", {name: "suspended"}).waitFor();
    await acts.getByRole("link", {name: "Overview"}).click();
    await acts.getByRole("heading", {level: 1, name: /All is well/}).waitFor();
    const server = servers.at(-1);
    server.kill("SIGSTOP");
    await acts.getByRole("heading", {level: 1, name: /has not answered for/}).waitFor();
    server.kill("SIGCONT");
    await acts.getByRole("heading", {level: 1, name: /All is well/}).waitFor();
  });

  await test("the browser's console has no errors", () => {
    assert.deepEqual(
      errors.filter((text) => !text.includes("status of 401")),
      [],
    );
  });
} finally {
  await browser.close();
  for (const server of servers) server.kill();
  await rm(directory, {recursive: true});
}
console.log(`browser: ${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
