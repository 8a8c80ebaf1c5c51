// An ioredis client that does what it is told, line by line on stdin, and prints the result of each as a line of JSON.
// It reconnects at once, and sends again what a READONLY or LOADING refused, as applications set it up.
const readline = require("readline");
const Redis = require("ioredis");

const client = new Redis({
  port: Number(process.argv[2]),
  retryStrategy: () => 5,
  maxRetriesPerRequest: null,
  reconnectOnError: (error) => (/^(READONLY|LOADING)/.test(error.message) ? 2 : false),
});
client.on("error", () => {});

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [command, ...args] = line.split(" ");
    const result = await client.call(command, ...args).catch((error) => ({ error: error.message }));
    process.stdout.write(JSON.stringify(result) + "\n");
  }
  client.disconnect();
})();
