"""Workers of a queue, to be killed: ``python -m patterns.bench.proofs.queue_workers URL``.

Each line on standard input asks for one more worker, a process of its own; its id is printed. They end with this one.
A job's work is to note that it ran, to take its time, and to note that it is done: there is something to die in.
"""

from __future__ import annotations

import os
import signal
import sys
import time

import redis

from patterns import Queue

VISIBILITY = 2.0


def work(url: str) -> None:
    """Take jobs until killed."""
    client = redis.Redis.from_url(url)
    queue = Queue(client, "q", visibility=VISIBILITY, max_attempts=1000)
    while True:
        job = queue.take(wait=60)
        if job is not None:
            client.sadd("busy", os.getpid())
            client.rpush("runs", job.value)
            time.sleep(0.01)
            client.sadd("done", job.value)
            job.ack()
            client.srem("busy", os.getpid())


def main(url: str) -> None:
    """Fork a worker for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    workers = []
    for _ in sys.stdin:
        worker = os.fork()
        if not worker:
            sys.stdin.close()
            work(url)
        workers.append(worker)
        print(worker, flush=True)
    for worker in workers:
        try:
            os.kill(worker, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main(sys.argv[1])
