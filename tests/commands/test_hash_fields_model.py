"""Hashes whose fields end, against a model that knows of nothing but values and times, under a clock that is moved.

The model has no removed or not yet removed fields: a field is there as long as its time has not passed. Whether ended
fields go by themselves or stay until they are written anew must make no difference to anything but HLEN and EXISTS.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from miniredis import rdb
from miniredis.resp.types import OK
from tests.commands.peers import Peer, frozen_engine

KEYS = ["h", "g"]
KEY = st.sampled_from(KEYS)
FIELDS = ["a", "b", "c", "d"]
FIELD = st.sampled_from(FIELDS)
SOME = st.lists(FIELD, min_size=1, max_size=3)
SPAN = st.integers(0, 8)
CONDITION = st.sampled_from(["", "NX", "XX", "GT", "LT", "XX GT", "XX LT"])

Entry = tuple[bytes, int | None]


class Hashes(RuleBasedStateMachine):
    """Two hashes of a few fields, none of which lives long."""

    @initialize(removes_actively=st.booleans())
    def start(self, removes_actively: bool) -> None:
        self.engine = frozen_engine("valkey-9.1")
        self.engine.active_expire = removes_actively
        self.ask = Peer(self.engine)
        self.model: dict[str, dict[str, Entry]] = {}
        self.serial = 0

    def live(self, key: str) -> dict[str, Entry]:
        """The hash, as a client sees it."""
        now = self.engine.now
        return {name: entry for name, entry in self.model.get(key, {}).items() if entry[1] is None or entry[1] >= now}

    def put(self, key: str, fields: dict[str, Entry]) -> None:
        self.model[key] = fields

    def values(self, fields: list[str]) -> dict[str, bytes]:
        self.serial += 1
        return {field: b"%d" % (self.serial * 10 + number) for number, field in enumerate(fields)}

    # Fields and their times

    @rule(key=KEY, fields=SOME)
    def hset(self, key: str, fields: list[str]) -> None:
        values, present = self.values(fields), self.live(key)
        words = " ".join(f"{field} {value.decode()}" for field, value in values.items())
        assert self.ask(f"HSET {key} {words}") == len(values.keys() - present.keys())
        self.put(key, present | {field: (value, None) for field, value in values.items()})

    @rule(
        key=KEY, fields=SOME, span=st.none() | SPAN, keeps=st.booleans(), condition=st.sampled_from(["", "FNX", "FXX"])
    )
    def hsetex(self, key: str, fields: list[str], span: int | None, keeps: bool, condition: str) -> None:
        values, present, now = self.values(fields), self.live(key), self.engine.now
        words = [f"{field} {value.decode()}" for field, value in values.items()]
        time = f"PX {span} " if span is not None else "KEEPTTL " if keeps else ""
        line = f"HSETEX {key} {condition} {time}FIELDS {len(words)} {' '.join(words)}".replace("  ", " ")
        known = values.keys() & present.keys()
        agrees = not known if condition == "FNX" else condition != "FXX" or known == values.keys()
        assert self.ask(line) == int(agrees)
        if not agrees:
            return
        for field, value in values.items():
            if span == 0:
                present.pop(field, None)
            else:
                kept = present[field][1] if keeps and field in present else None
                present[field] = (value, kept if span is None else now + span)
        self.put(key, present)

    @rule(key=KEY, fields=SOME, span=SPAN, condition=CONDITION)
    def hexpire(self, key: str, fields: list[str], span: int, condition: str) -> None:
        present, when = self.live(key), self.engine.now + span
        line = f"HPEXPIRE {key} {span} {condition} FIELDS {len(fields)} {' '.join(fields)}".replace("  ", " ")
        reply = []
        for field in fields:
            if field not in present:
                reply.append(-2)
                continue
            value, end = present[field]
            if (
                ("NX" in condition and end is not None)
                or ("XX" in condition and end is None)
                or ("GT" in condition and (end is None or when <= end))
                or ("LT" in condition and end is not None and when >= end)
            ):
                reply.append(0)
            elif span == 0:
                del present[field]
                reply.append(2)
            else:
                present[field] = (value, when)
                reply.append(1)
        assert self.ask(line) == reply
        self.put(key, present)

    @rule(key=KEY, fields=SOME)
    def hpersist(self, key: str, fields: list[str]) -> None:
        present = self.live(key)
        reply = []
        for field in fields:
            value, end = present.get(field, (b"", None))
            reply.append(-2 if field not in present else -1 if end is None else 1)
            if field in present:
                present[field] = (value, None)
        assert self.ask(f"HPERSIST {key} FIELDS {len(fields)} {' '.join(fields)}") == reply
        self.put(key, present)

    @rule(key=KEY, fields=SOME, span=SPAN)
    def hgetex(self, key: str, fields: list[str], span: int) -> None:
        present, now = self.live(key), self.engine.now
        reply = []
        for field in fields:
            reply.append(present[field][0] if field in present else None)
            if field in present:
                value, _ = present.pop(field)
                if span:
                    present[field] = (value, now + span)
        assert self.ask(f"HGETEX {key} PX {span} FIELDS {len(fields)} {' '.join(fields)}") == reply
        self.put(key, present)

    @rule(key=KEY, fields=SOME)
    def hgetdel(self, key: str, fields: list[str]) -> None:
        present = self.live(key)
        reply = [present.pop(field, (None,))[0] for field in fields]
        assert self.ask(f"HGETDEL {key} FIELDS {len(fields)} {' '.join(fields)}") == reply
        self.put(key, present)

    @rule(key=KEY, fields=SOME)
    def hdel(self, key: str, fields: list[str]) -> None:
        present = self.live(key)
        assert self.ask(f"HDEL {key} {' '.join(fields)}") == sum(
            present.pop(field, None) is not None for field in fields
        )
        self.put(key, present)

    @rule(key=KEY, field=FIELD, amount=st.integers(-3, 3))
    def hincrby(self, key: str, field: str, amount: int) -> None:
        present = self.live(key)
        value, end = present.get(field, (b"0", None))
        present[field] = (b"%d" % (int(value) + amount), end)
        assert self.ask(f"HINCRBY {key} {field} {amount}") == int(value) + amount
        self.put(key, present)

    @rule(key=KEY, field=FIELD)
    def hsetnx(self, key: str, field: str) -> None:
        present = self.live(key)
        assert self.ask(f"HSETNX {key} {field} 7") == int(field not in present)
        self.put(key, {field: (b"7", None)} | present)

    # The whole

    @rule()
    def swap_names(self) -> None:
        """Give each of the hashes that are there the other's name."""
        for source, destination in (("h", "spare"), ("g", "h"), ("spare", "g")):
            if self.ask(f"EXISTS {source}"):
                self.ask(f"RENAME {source} {destination}")
        self.model = {"h": self.model.get("g", {}), "g": self.model.get("h", {})}

    @rule()
    def copy(self) -> None:
        if self.ask("EXISTS h"):
            assert self.ask("COPY h g REPLACE") == 1
            self.put("g", dict(self.live("h")))

    @rule(key=KEY)
    def dump_and_restore(self, key: str) -> None:
        data: Any = self.ask(f"DUMP {key}")
        if data is not None:
            reply = self.engine.execute(self.ask.session, [b"RESTORE", key.encode(), b"0", data, b"REPLACE"])
            assert reply == OK

    @rule()
    def save_and_load(self) -> None:
        rdb.load(self.engine, rdb.dump(self.engine))

    @rule(key=KEY)
    def delete(self, key: str) -> None:
        self.ask(f"DEL {key}")
        self.put(key, {})

    @rule(milliseconds=st.integers(1, 4))
    def wait(self, milliseconds: int) -> None:
        self.engine.clock.advance(milliseconds / 1000)

    # What must hold

    @invariant()
    def a_client_sees_what_the_model_has(self) -> None:
        for key in KEYS:
            present = self.live(key)
            whole: Any = self.ask(f"HGETALL {key}")
            assert whole == {field.encode(): value for field, (value, _) in present.items()}
            assert self.ask(f"HPEXPIRETIME {key} FIELDS 4 a b c d") == [
                -2 if field not in present else -1 if (end := present[field][1]) is None else end for field in FIELDS
            ]
            assert set(self.ask(f"HKEYS {key}")) == set(self.ask(f"HSCAN {key} 0")[1][::2]) == set(whole)

    @precondition(lambda self: self.engine.active_expire)
    @invariant()
    def nothing_is_left_of_what_has_ended(self) -> None:
        expected = {key for key in KEYS if self.live(key)}
        assert {key for key in KEYS if self.ask(f"EXISTS {key}")} == expected
        for key in KEYS:
            assert self.ask(f"HLEN {key}") == len(self.live(key))
        ends = [end for key in KEYS for _, end in self.live(key).values() if end is not None]
        due = self.engine.next_due()
        assert not ends or (due is not None and due <= min(ends) + 1)


TestHashes = Hashes.TestCase
TestHashes.settings = settings(max_examples=150, stateful_step_count=40, deadline=None, derandomize=True)
