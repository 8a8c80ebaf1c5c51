// Sessions of web clients, kept by connect-redis: a site on express-session, and the store by itself.
const assert = require("node:assert");
const http = require("node:http");
const { after, before, beforeEach, test } = require("node:test");
const session = require("express-session");
const { createClient } = require("redis");
const { RedisStore } = require("connect-redis");

const client = createClient({ url: process.env.REDIS_URL });
const store = new RedisStore({ client, ttl: 3600 });

// Counts the visits of each session; GET /leave ends it.
const serveWith = session({ store, secret: "a secret", resave: false, saveUninitialized: false });
const site = http.createServer((request, response) =>
  serveWith(request, response, () => {
    if (request.url === "/leave") {
      request.session.destroy(() => response.end("goodbye"));
      return;
    }
    request.session.visits = (request.session.visits || 0) + 1;
    response.end(String(request.session.visits));
  })
);

async function visit(cookie, path = "/") {
  const headers = { connection: "close", ...(cookie && { cookie }) };
  const response = await fetch(`http://127.0.0.1:${site.address().port}${path}`, { headers });
  return { text: await response.text(), cookie: response.headers.get("set-cookie")?.split(";")[0] };
}

before(async () => {
  await client.connect();
  await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
});
beforeEach(() => client.flushAll());
after(() => {
  site.close();
  client.destroy();
});

test("a site knows its visitor again", async () => {
  const { text, cookie } = await visit();
  assert.equal(text, "1");
  assert.equal((await visit(cookie)).text, "2");
  assert.equal((await visit(cookie)).text, "3");
});

test("each visitor has a session of his own", async () => {
  const [first, second] = [await visit(), await visit()];
  assert.notEqual(first.cookie, second.cookie);
  assert.equal((await visit(first.cookie)).text, "2");
  assert.equal((await store.ids()).length, 2);
});

test("a session that was left is gone", async () => {
  const { cookie } = await visit();
  assert.equal((await visit(cookie, "/leave")).text, "goodbye");
  assert.equal(await store.length(), 0);
  assert.equal((await visit(cookie)).text, "1");
});

test("a session lives as long as the store says, or its cookie", async () => {
  await store.set("usual", { cookie: {} });
  await store.set("short", { cookie: { expires: new Date(Date.now() + 60_000) } });
  const usual = await client.ttl("sess:usual");
  const short = await client.ttl("sess:short");
  assert.ok(usual > 3580 && usual <= 3600, `${usual}`);
  assert.ok(short > 40 && short <= 60, `${short}`);
});

test("a touched session lives longer", async () => {
  await store.set("id", { cookie: { expires: new Date(Date.now() + 60_000) } });
  await store.touch("id", { cookie: {} });
  assert.ok((await client.ttl("sess:id")) > 3580);
});

test("a session whose cookie is over is not stored", async () => {
  await store.set("late", { cookie: { expires: new Date(Date.now() - 1000) } });
  assert.equal(await store.get("late"), null);
});

test("the store lists, counts and clears its sessions, and no other keys", async () => {
  await client.set("other", "key");
  for (let number = 0; number < 250; number++) await store.set(`${number}`, { number });
  assert.equal(await store.length(), 250);
  assert.deepEqual((await store.all()).map((each) => each.number).sort((a, b) => a - b), [...Array(250).keys()]);
  await store.clear();
  assert.equal(await store.length(), 0);
  assert.equal(await client.get("other"), "key");
});
