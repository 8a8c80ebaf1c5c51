// A tour of every command family with ioredis. Prints one JSON list of [name, result]; errors as {error: text}.
const Redis = require("ioredis");

const port = Number(process.argv[2]);
const sorted = (list) => [...list].sort();

const steps = [
  ["set", (r) => r.set("k", "v", "EX", 100, "NX")],
  ["get", (r) => r.get("k")],
  ["getBuffer", async (r) => (await r.getBuffer("k")).toString("hex")],
  ["incr", (r) => r.incr("n")],
  ["incrbyfloat", (r) => r.incrbyfloat("f", 0.1)],
  ["mset", (r) => r.mset({ a: 1, b: 2 })],
  ["mget", (r) => r.mget("a", "b", "missing")],
  ["append", (r) => r.append("s", "hello")],
  ["getrange", (r) => r.getrange("s", 1, 3)],
  ["ttl", (r) => r.ttl("k")],
  ["persist", (r) => r.persist("k")],
  ["type", (r) => r.type("k")],
  ["exists", (r) => r.exists("k", "missing")],
  ["rename", (r) => r.rename("k", "k2")],
  ["keys", async (r) => sorted(await r.keys("*"))],
  ["scanStream", async (r) => {
    const found = [];
    for await (const batch of r.scanStream({ match: "*" })) found.push(...batch);
    return sorted(new Set(found));
  }],
  ["hset", (r) => r.hset("h", { name: "Ada", born: 1815 })],
  ["hgetall", (r) => r.hgetall("h")],
  ["hincrby", (r) => r.hincrby("h", "born", 1)],
  ["rpush", (r) => r.rpush("l", 1, 2, 3)],
  ["lrange", (r) => r.lrange("l", 0, -1)],
  ["lmove", (r) => r.lmove("l", "m", "LEFT", "RIGHT")],
  ["blpop", (r) => r.blpop("none", "l", 1)],
  ["blpop times out", (r) => r.blpop("none", 0.01)],
  ["sadd", (r) => r.sadd("t", "a", "b", "c")],
  ["smembers", async (r) => sorted(await r.smembers("t"))],
  ["sismember", (r) => r.sismember("t", "a")],
  ["zadd", (r) => r.zadd("z", 1, "a", 2.5, "b")],
  ["zrange", (r) => r.zrange("z", 0, -1, "WITHSCORES")],
  ["zrank", (r) => r.zrank("z", "b")],
  ["zpopmin", (r) => r.zpopmin("z")],
  ["multi", (r) => r.multi().set("x", 1).incr("x").lpush("x", "wrong").exec()
    .then((replies) => replies.map(([error, value]) => (error ? error.message : value)))],
  ["watch", async (r, other) => {
    await r.watch("x");
    await other.set("x", 99);
    return r.multi().set("x", 1).exec();
  }],
  ["pipeline", (r) => r.pipeline().set("p", 1).get("p").exec()],
  ["pubsub", async (r, other) => {
    const subscriber = other.duplicate();
    const arrived = new Promise((resolve) => subscriber.on("message", (channel, text) => resolve([channel, text])));
    const count = await subscriber.subscribe("news");
    const receivers = await r.publish("news", "hello");
    const message = await arrived;
    subscriber.disconnect();
    return [count, receivers, message];
  }],
  ["wrong type", (r) => r.lpush("p", 1)],
  ["wrong arity", (r) => r.call("GET")],
  ["unknown command", (r) => r.call("NOSUCH", "a")],
  ["select", (r) => r.select(1)],
  ["dbsize", (r) => r.dbsize()],
  ["client setname", (r) => r.client("SETNAME", "tourist")],
  ["client getname", (r) => r.client("GETNAME")],
  ["config get", (r) => r.config("GET", "maxclients")],
  ["info", async (r) => (await r.info("server")).includes("redis_version:")],
  ["flushall", (r) => r.flushall()],
];

async function main() {
  const client = new Redis(port, "127.0.0.1");
  const other = new Redis(port, "127.0.0.1");
  const results = [];
  await client.flushall();
  for (const [name, run] of steps) {
    try {
      results.push([name, await run(client, other)]);
    } catch (error) {
      results.push([name, { error: error.message }]);
    }
  }
  client.disconnect();
  other.disconnect();
  console.log(JSON.stringify(results));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
