"""Requests of users: their sessions, and the same request sent twice."""

from __future__ import annotations

import time
from typing import Any

from patterns import Idempotency, KeyReusedError, Sessions
from patterns.tour.chapter import chapter
from patterns.tour.crowd import all_at_once
from patterns.tour.narrator import Narrator, spoken
from patterns.tour.stage import Stage


@chapter(
    "sessions",
    "Sessions",
    "A request that saves its session after the user has logged out brings it back to life. An id known before the "
    "login is valid after it. Nobody can end all sessions of a user whose password was stolen.",
)
def sessions(stage: Stage, tell: Narrator) -> None:
    """Begin, use, expire, rotate, log out, log out everywhere."""
    ttl = stage.span(1800, 0.6)
    store = Sessions(stage.client(), ttl=ttl, prefix=stage.key("sessions:"))

    @tell.step("A session begins. Its id is a secret; the server has only a hash of it.")
    def id() -> str:
        return store.create({"cart": []}, user="ann")

    tell.say(f"It lives for {spoken(ttl)} unused. Used now and then, it lives on:")
    lived = 0.0
    while lived < 2 * ttl and store.load(id) is not None:
        stage.advance(ttl / 2)
        lived += ttl / 2
    tell.gap()
    tell.figure("has lived", 100 * lived / ttl, "% of its time")

    @tell.step("After a login it moves to a new id in one step; the old one is worth nothing from that moment.")
    def new() -> Any:
        return store.rotate(id)

    @tell.step("Old and new:", wire=0)
    def _() -> object:
        return store.load(id), store.load(new)

    @tell.step("The user logs out, while a slow request still works with the session. Its save writes nothing.")
    def _() -> object:
        store.destroy(new)
        return store.save(new, {"cart": ["book"]})

    others = [store.create({}, user="ann") for _ in range(3)]

    @tell.step("Log out everywhere: three devices, one step.")
    def gone() -> int:
        return store.destroy_all("ann")

    tell.gap()
    tell.figure("sessions ended", gone)
    tell.figure("sessions still valid", sum(store.load(each) is not None for each in (new, *others)))
    idle = store.create({}, user="bob")
    tell.later(ttl)

    @tell.step("And one that nobody used ends by itself.")
    def _() -> object:
        return store.load(idle, "gone")

    tell.remember("Destroyed stays destroyed; rotate at every change of rights; every use extends it.")


@chapter(
    "idempotency",
    "Idempotency keys",
    "A client has sent a payment, gets no answer, and sends it again. Both requests may arrive at once. It must be "
    "done once, and answered twice.",
)
def idempotency(stage: Stage, tell: Narrator) -> None:
    """The same request twice at once, later, and with other contents."""
    once = Idempotency(stage.client(), prefix=stage.key("payments:"))
    charged: list[int] = []

    def charge() -> dict[str, int]:
        charged.append(30)
        time.sleep(0.03)  # takes its time, so that the other one comes meanwhile
        return {"receipt": 1000 + len(charged)}

    @tell.step("A request. What it is about is noted with its key, then the work, then the answer.")
    def _() -> object:
        return once.once("order-16", charge, fingerprint="20 €")

    answers: list[object] = []

    def pay() -> None:
        answers.append(once.once("order-17", charge, fingerprint="30 €"))

    @tell.step("The same request twice, at once. One works; the other waits at a stream, and is woken.")
    def _() -> object:
        all_at_once([pay, pay])
        return answers

    @tell.step("And once more, later. The answer is remembered for a day.")
    def _() -> object:
        return once.once("order-17", charge, fingerprint="30 €")

    @tell.refusal("The same key for something else is an error of the client.", KeyReusedError)
    def _() -> object:
        return once.once("order-17", charge, fingerprint="99 €")

    tell.gap()
    tell.figure("requests for order-17", len(answers) + 1)
    tell.figure("charged for order-17", len(charged) - 1)
    tell.remember(
        "Begin and end are noted in Redis; a crash in between counts as not done. The last safety is the database's."
    )
