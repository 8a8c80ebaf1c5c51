// BullMQ: queues whose every step is a Lua script, events on streams, workers that block on sorted sets.
const assert = require("node:assert");
const { after, afterEach, before, test } = require("node:test");
const { DelayedError, FlowProducer, Queue, QueueEvents, UnrecoverableError, Worker } = require("bullmq");
const Redis = require("ioredis").default;

const { hostname: host, port } = new URL(process.env.REDIS_URL);
const connection = { host, port: Number(port) };
const DEADLINE = 20_000; // milliseconds
const observer = new Redis(connection.port, host);

// What a test has opened, closed behind it, the last first.
let opened = [];
let count = 0;

function open(thing) {
  thing.on("error", () => {});
  opened.unshift(thing);
  return thing;
}

// A queue of the test's own, and its events.
async function openQueue(options = {}) {
  const queue = open(new Queue(`tour-${++count}`, { connection, ...options }));
  const events = open(new QueueEvents(queue.name, { connection }));
  await events.waitUntilReady();
  return { queue, events, finished: (job) => job.waitUntilFinished(events, DEADLINE) };
}

function work(queue, processor, options = {}) {
  return open(new Worker(queue.name, processor, { connection, ...options }));
}

function happens(emitter, event) {
  return new Promise((resolve) => emitter.once(event, (...what) => resolve(what)));
}

before(() => observer.flushall());
afterEach(async () => {
  for (const thing of opened) await thing.close();
  opened = [];
});
after(() => observer.disconnect());

test("a job is done, and its result fetched", async () => {
  const { queue, finished } = await openQueue();
  work(queue, async (job) => job.data.x + job.data.y);
  assert.equal(await finished(await queue.add("add", { x: 2, y: 3 })), 5);
});

test("jobs are done in order, those that were added at once, too", async () => {
  const { queue, finished } = await openQueue();
  const jobs = await queue.addBulk([..."abcde"].map((name) => ({ name, data: {} })));
  const order = [];
  work(queue, async (job) => order.push(job.name));
  await finished(jobs.at(-1));
  assert.deepEqual(order, [..."abcde"]);
});

test("jobs of a higher priority are done first", async () => {
  const { queue, finished } = await openQueue();
  await queue.add("late", {}, { priority: 10 });
  await queue.add("soon", {}, { priority: 1 });
  const last = await queue.add("last", {}, { priority: 20 });
  await queue.add("first", {});
  const order = [];
  work(queue, async (job) => order.push(job.name));
  await finished(last);
  assert.deepEqual(order, ["first", "soon", "late", "last"]);
});

test("a job waits for its delay", async () => {
  const { queue, finished } = await openQueue();
  work(queue, async () => Date.now());
  const job = await queue.add("later", {}, { delay: 300 });
  assert.equal(await job.getState(), "delayed");
  assert.ok((await finished(job)) >= job.timestamp + 300);
});

test("a delayed job is promoted", async () => {
  const { queue, finished } = await openQueue();
  work(queue, async () => "early");
  const job = await queue.add("later", {}, { delay: 3_600_000 });
  await job.promote();
  assert.equal(await finished(job), "early");
});

test("a job is retried until it succeeds", async () => {
  const { queue, finished } = await openQueue();
  work(queue, async (job) => {
    if (job.attemptsMade < 2) throw new Error("not yet");
    return "at last";
  });
  const job = await queue.add("try", {}, { attempts: 3, backoff: { type: "exponential", delay: 10 } });
  assert.equal(await finished(job), "at last");
});

test("a job fails for good, and is retried by hand", async () => {
  const { queue, finished } = await openQueue();
  let broken = true;
  work(queue, async () => {
    if (broken) throw new UnrecoverableError("no such thing");
    return "mended";
  });
  const job = await queue.add("try", {}, { attempts: 5 });
  await assert.rejects(finished(job), /no such thing/);
  assert.deepEqual((await queue.getFailed()).map((each) => [each.id, each.failedReason]), [[job.id, "no such thing"]]);
  broken = false;
  await job.retry();
  assert.equal(await finished(job), "mended");
});

test("a job puts itself off", async () => {
  const { queue, finished } = await openQueue();
  work(queue, async (job, token) => {
    if (job.data.again) return "done";
    await job.updateData({ again: true });
    await job.moveToDelayed(Date.now() + 10, token);
    throw new DelayedError();
  });
  assert.equal(await finished(await queue.add("twice", {})), "done");
});

test("a job tells of its progress, and keeps a log", async () => {
  const { queue, events, finished } = await openQueue();
  const progress = happens(events, "progress");
  work(queue, async (job) => {
    await job.log("halfway");
    await job.updateProgress(50);
  });
  const job = await queue.add("long", {});
  await finished(job);
  const [{ jobId, data }] = await progress;
  assert.deepEqual([jobId, data], [job.id, 50]);
  assert.deepEqual((await queue.getJobLogs(job.id)).logs, ["halfway"]);
});

test("a parent waits for its children, and has their results", async () => {
  const { queue, finished } = await openQueue();
  work(queue, async (job) =>
    job.name === "sum" ? Object.values(await job.getChildrenValues()).reduce((a, b) => a + b) : job.data.number
  );
  const flow = await open(new FlowProducer({ connection })).add({
    name: "sum",
    queueName: queue.name,
    children: [1, 2, 3].map((number) => ({ name: "part", queueName: queue.name, data: { number } })),
  });
  assert.equal(await finished(flow.job), 6);
});

test("a parent fails with a child that it cannot do without", async () => {
  const { queue, finished } = await openQueue();
  work(queue, async () => {
    throw new Error("broken");
  });
  const child = { name: "part", queueName: queue.name, opts: { failParentOnFailure: true } };
  const producer = open(new FlowProducer({ connection }));
  const flow = await producer.add({ name: "sum", queueName: queue.name, children: [child] });
  await assert.rejects(finished(flow.job), /child .* failed/);
});

test("a scheduler makes a job again and again", async () => {
  const { queue } = await openQueue();
  let runs = 0;
  const enough = new Promise((resolve) => {
    work(queue, async () => ++runs === 3 && resolve());
  });
  await queue.upsertJobScheduler("clock", { every: 50 }, { name: "tick" });
  await enough;
  assert.deepEqual((await queue.getJobSchedulers()).map((each) => each.key), ["clock"]);
  await queue.removeJobScheduler("clock");
  assert.equal(await queue.getJobSchedulersCount(), 0);
});

test("no more jobs are done in a period than is permitted", async () => {
  const { queue, finished } = await openQueue();
  const jobs = await queue.addBulk([1, 2, 3].map((number) => ({ name: "slow", data: { number } })));
  const times = [];
  work(queue, async () => times.push(Date.now()), { limiter: { max: 1, duration: 200 } });
  await finished(jobs.at(-1));
  assert.ok(times[2] - times[0] >= 300, `${times}`);
});

test("several jobs are done at a time", async () => {
  const { queue, finished } = await openQueue();
  const gate = { begun: 0 };
  gate.opened = new Promise((resolve) => (gate.open = resolve));
  work(queue, async () => (++gate.begun === 3 ? gate.open() : gate.opened), { concurrency: 3 });
  const jobs = await queue.addBulk([1, 2, 3].map(() => ({ name: "together", data: {} })));
  await Promise.all(jobs.map(finished));
});

test("a job of the same id is not added twice, nor one that another stands for", async () => {
  const { queue } = await openQueue();
  await queue.add("only", { number: 1 }, { jobId: "only" });
  await queue.add("only", { number: 2 }, { jobId: "only" });
  await queue.add("this", {}, { deduplication: { id: "same" } });
  await queue.add("that", {}, { deduplication: { id: "same" } });
  assert.equal(await queue.getWaitingCount(), 2);
  assert.deepEqual((await queue.getJob("only")).data, { number: 1 });
});

test("a paused queue rests until it is resumed", async () => {
  const { queue, finished } = await openQueue();
  await queue.pause();
  const job = await queue.add("patient", {});
  work(queue, async () => "done");
  assert.equal(await queue.isPaused(), true);
  await queue.resume();
  assert.equal(await finished(job), "done");
});

test("a job that its worker lost is done by another", async () => {
  const { queue, finished } = await openQueue();
  const job = await queue.add("fragile", {});
  const lost = open(new Worker(queue.name, null, { connection, lockDuration: 50 }));
  assert.equal((await lost.getNextJob("a token")).id, job.id);
  const other = work(queue, async () => "saved", { stalledInterval: 50 });
  const stalled = happens(other, "stalled");
  assert.equal(await finished(job), "saved");
  assert.equal((await stalled)[0], job.id);
});

test("finished jobs are removed as they were told to be", async () => {
  const { queue, events } = await openQueue({ defaultJobOptions: { removeOnComplete: { count: 2 } } });
  const drained = happens(events, "drained");
  await queue.addBulk([..."abcde"].map((name) => ({ name, data: {} })));
  work(queue, async () => {});
  await drained;
  assert.deepEqual((await queue.getCompleted()).map((job) => job.name), ["e", "d"]);
});

test("a queue counts its jobs, is drained, cleaned and obliterated", async () => {
  const { queue, finished } = await openQueue();
  const worker = work(queue, async (job) => {
    if (job.name === "bad") throw new Error("bad");
  });
  const [good, bad] = [await queue.add("good", {}), await queue.add("bad", {})];
  await finished(good);
  await assert.rejects(finished(bad));
  await worker.close();
  await queue.add("waiting", {});
  await queue.add("later", {}, { delay: 3_600_000 });
  const states = ["waiting", "delayed", "completed", "failed"];
  assert.deepEqual(await queue.getJobCounts(...states), { waiting: 1, delayed: 1, completed: 1, failed: 1 });
  await queue.drain(true);
  assert.deepEqual(await queue.clean(0, 100, "failed"), [bad.id]);
  assert.deepEqual(await queue.getJobCounts(...states), { waiting: 0, delayed: 0, completed: 1, failed: 0 });
  await queue.obliterate();
  assert.deepEqual(await observer.keys(`bull:${queue.name}:*`), []);
});

test("many jobs are each done once", async () => {
  const { queue, events } = await openQueue();
  const drained = happens(events, "drained");
  const done = new Map();
  await queue.addBulk([...Array(200).keys()].map((number) => ({ name: "one of many", data: { number } })));
  const processor = async (job) => done.set(job.data.number, (done.get(job.data.number) || 0) + 1);
  const workers = [1, 2].map(() => work(queue, processor, { concurrency: 10 }));
  await drained;
  await Promise.all(workers.map((worker) => worker.close()));
  assert.deepEqual([done.size, Math.max(...done.values())], [200, 1]);
});
