"""Redis's notation for a command's arguments, read into the tree that ``COMMAND DOCS`` shows.

The rule of this file: the notation in a declaration is the whole truth about a command's arguments, and this parser
is its only reader. It runs when somebody asks (``COMMAND DOCS``, the conformance generator), never at import.

The notation is the one of Redis's command pages::

    key value [NX | XX] [GET] [EX seconds | PX milliseconds | KEEPTTL]
    score member [score member ...]          these two together, once or more
    [WEIGHTS weight [weight ...]]            the token once, then its values
    [GET pattern [GET pattern ...]]          the token before every value
    <BEFORE | AFTER>                         one of them is required
    <a | b [...]>                            any of them, repeatedly: short for <a | b [a | b ...]>

A word in capitals, or one without a letter (``*``, ``~``), is a token, sent as it stands. Any other word is a value
that the client chooses. ``[…]`` is optional, ``<…>`` a required group, ``|`` separates alternatives, and ``[x ...]``
after an ``x`` says that it may be repeated. Two rules of Redis's shape the tree:

- A token belongs to the value after it (``EX seconds`` is one argument), or, where two or more values follow, to a
  block of them: ``LIMIT offset count``, ``FIELDS numfields field [field ...]``. Such a block extends to the end of the
  brackets around it, and outside all brackets up to the next bracket or token.
- Several arguments in one pair of brackets, in one alternative or in one repetition form a block.

What the notation does not show is told beside it:

- *names*: ``COMMAND DOCS`` names each group (``oneof`` and ``block``); these are the names in the order in which the
  groups open, an outer one before those in it.
- *details*: facts about single arguments. The key is an argument's token, or its word where it has none, or a group's
  name; ``"group argument"`` where only the one in that group is meant, ``"TOKEN word"`` where only the one of that word
  is. Facts are ``fact=value``, separated by spaces:
  ``name``, ``type``, ``since``, ``valkey-since``, ``added`` and ``valkey-added`` (the version that brought it, where
  ``COMMAND DOCS`` does not tell), ``deprecated-since``, ``key-spec`` (an index, ``none`` for no index), ``leads``
  (``argument``, ``block`` or ``none``: what a token belongs to, against the first rule above) and, taking the rest of
  the text, ``summary``.

An argument is called by its word, or else by its token in lower case; its type follows from its word (see
``_TYPES``), and the n-th key of a command is described by its n-th key specification.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from miniredis.engine.record import fresh, record

Kind: TypeAlias = Literal["word", "token", "oneof", "block"]

_SYMBOLS: Final = {"*": "auto-id", "$": "new-id", "=": "equal", "~": "approximately", '""': "empty-string"}
"""What ``COMMAND DOCS`` calls the tokens that are no words."""

_TYPES: Final = {
    word: type_name
    for type_name, words in {
        "key": "destination destkey dst key key1 key2 newkey source sourcekey src",
        "pattern": "pattern match-pattern",
        "unix-time": "unix-time-seconds unix-time-milliseconds",
        "double": "height latitude longitude radius score width",
        "integer": (
            "bit bits client-id cluster-bus-port config-epoch count cursor db decrement destination-db end-slot"
            " entries-added entries-read frequency idle increment index index1 index2 len limit maxage milliseconds"
            " min-match-len ms not-client-id num-matches num-vertices numfields numkeys numlocal numreplicas offset"
            " port protover rank seconds slot start-slot stop timeout ttl version weight start end"
        ),
    }.items()
    for word in words.split()
}
"""The types of the words that are not strings."""


@dataclass(slots=True, kw_only=True)
class Argument:
    """One argument, or a group of them: the fields of an entry of ``COMMAND DOCS``' *arguments*.

    *type* is ``key``, ``string``, ``integer``, ``double``, ``unix-time``, ``pattern``, ``pure-token``, ``oneof`` or
    ``block``; *children* belong to the last two. *token* is what precedes the value, ``None`` for none.

    *since* is of Redis's numbering, *valkey_since* of Valkey's; both are empty where the argument is as old as the
    command. *is_since_shown* says whether ``COMMAND DOCS`` tells.
    """

    name: str
    type: str
    token: str | None = None
    display_text: str | None = None
    optional: bool = False
    multiple: bool = False
    multiple_token: bool = False
    children: tuple[Argument, ...] = ()
    key_spec_index: int | None = None
    summary: str = ""
    since: str = ""
    valkey_since: str = ""
    is_since_shown: bool = True
    deprecated_since: str = ""


def parse(notation: str, names: Sequence[str] = (), details: Mapping[str, str] | None = None) -> tuple[Argument, ...]:
    """The arguments that *notation* describes, named and detailed as the module's docstring says.

    Raises ``ValueError`` for a notation that is not well formed, for too few or too many *names* and for *details*
    that concern no argument.
    """
    facts = {key: _facts(text) for key, text in (details or {}).items()}
    leads = {token: told["leads"] for token, told in facts.items() if "leads" in told}
    nodes = _Reader(notation, leads).read()
    return _Describer(notation, names, facts).describe(nodes)


def _facts(text: str) -> dict[str, str]:
    short, summary_follows, summary = text.partition("summary=")
    facts = dict(fact.split("=", 1) for fact in short.split())
    if summary_follows:
        facts["summary"] = summary
    return facts


def _token_name(token: str) -> str:
    return _SYMBOLS.get(token, token.lower())


def is_token(word: str) -> bool:
    """Whether *word* of a notation is sent as it stands."""
    return word == word.upper()


@record
class _Node:
    """An argument's form: what the brackets say before anything has a name or a type."""

    kind: Kind
    text: str = ""
    token: str | None = None
    optional: bool = False
    multiple: bool = False
    multiple_token: bool = False
    children: list[_Node] = fresh(default_factory=list)

    @property
    def is_value(self) -> bool:
        """Whether this may follow a token as its value: it must be sent and begins with a word, not a token."""
        is_word = self.kind == "word" or (self.kind == "block" and self.multiple)
        return is_word and not self.optional and self.token is None

    @property
    def is_bare_token(self) -> bool:
        return self.kind == "token" and not self.optional and not self.multiple


class _Reader:
    """Reads a notation into nodes, in one pass over its words and brackets."""

    def __init__(self, notation: str, leads: Mapping[str, str]) -> None:
        self._notation = notation
        self._symbols = re.findall(r"[][<>|]|[^][<>|\s]+", notation)
        self._position = 0
        self._leads = leads

    def read(self) -> list[_Node]:
        alternatives, _ = self._alternatives(end=None)
        if len(alternatives) != 1:
            raise ValueError(f"alternatives outside brackets: {self._notation!r}")
        return self._join(alternatives[0], in_group=False)

    def _alternatives(self, end: str | None) -> tuple[list[list[_Node]], bool]:
        """The alternatives up to the bracket *end*, and whether they may be repeated together."""
        opened = self._position
        alternatives: list[list[_Node]] = []
        starts: list[int] = []
        current: list[_Node] = []
        repeated = False
        while self._position < len(self._symbols):
            start, symbol = self._position, self._symbols[self._position]
            if symbol in ("]", ">"):
                break
            if symbol == "|":
                alternatives.append(current)
                current, starts = [], []
                self._position += 1
            elif symbol == "[" and (repetition := self._repetition()) is not None:
                self._position = start + len(repetition) + 3
                if not repetition or (self._symbols[opened:start] == repetition and "|" in repetition):
                    repeated = True
                    continue
                first = start - len(repetition)
                if first not in starts or self._symbols[first:start] != repetition:
                    raise ValueError(f"a repetition of something else than what precedes it: {self._notation!r}")
                index = starts.index(first)
                current[index:] = [self._repeat(current[index:])]
                del starts[index + 1 :]
            else:
                starts.append(start)
                current.append(self._item(symbol))
        if (self._symbols[self._position] if self._position < len(self._symbols) else None) != end:
            raise ValueError(f"unbalanced brackets: {self._notation!r}")
        self._position += 1
        return [*alternatives, current], repeated

    def _repetition(self) -> list[str] | None:
        """The symbols between the bracket here and its ``...``; None where it is an ordinary bracket."""
        depth = 0
        for position in range(self._position, len(self._symbols)):
            symbol = self._symbols[position]
            depth += (symbol in "[<") - (symbol in "]>")
            if depth == 0:
                inside = self._symbols[self._position + 1 : position]
                return inside[:-1] if inside[-1:] == ["..."] else None
        return None

    def _item(self, symbol: str) -> _Node:
        self._position += 1
        if symbol in ("[", "<"):
            alternatives, repeated = self._alternatives("]" if symbol == "[" else ">")
            group = self._group(alternatives)
            group.optional = symbol == "["
            group.multiple = group.multiple or repeated
            return group
        return _Node("token" if is_token(symbol) else "word", symbol)

    def _group(self, alternatives: list[list[_Node]]) -> _Node:
        if len(alternatives) == 1:
            return self._one(alternatives[0])
        return _Node("oneof", children=[self._one(items) for items in alternatives])

    def _one(self, items: list[_Node]) -> _Node:
        """Everything of a bracket, an alternative or a repetition as one node."""
        nodes = self._join(items, in_group=True)
        return nodes[0] if len(nodes) == 1 else _Node("block", children=nodes)

    def _repeat(self, items: list[_Node]) -> _Node:
        takes_token = items[0].is_bare_token
        node = self._one(items)
        node.multiple = True
        node.multiple_token = takes_token and node.token is not None
        return node

    def _join(self, items: list[_Node], in_group: bool) -> list[_Node]:
        """Give the tokens among *items* to the values or blocks that they belong to."""
        nodes: list[_Node] = []
        index = 0
        while index < len(items):
            item = items[index]
            index += 1
            following = items[index:]
            if not (item.is_bare_token and following and not following[0].optional):
                nodes.append(item)
                continue
            values = 0
            while values < len(following) and following[values].is_value:
                values += 1
            leads = self._leads.get(item.text, "block" if values > 1 else "argument")
            if leads == "block":
                if in_group and index == 1:
                    return [_Node("block", token=item.text, children=self._join(following, in_group))]
                nodes.append(_Node("block", token=item.text, children=following[:values]))
                index += values
            elif leads == "argument" and following[0].kind in ("word", "oneof") and following[0].token is None:
                following[0].token = item.text
                nodes.append(following[0])
                index += 1
            else:
                nodes.append(item)
        return nodes


class _Describer:
    """Turns nodes into arguments: gives them their names, types and details, outer before inner."""

    def __init__(self, notation: str, names: Sequence[str], facts: Mapping[str, dict[str, str]]) -> None:
        self._notation = notation
        self._names = iter(names)
        self._facts = facts
        self._used = {key for key, told in facts.items() if "leads" in told}  # those the reader has used
        self._key_count = 0

    def describe(self, nodes: list[_Node]) -> tuple[Argument, ...]:
        arguments = tuple(self._argument(node, group="") for node in nodes)
        if next(self._names, None) is not None:
            raise ValueError(f"more names than groups: {self._notation!r}")
        if unused := self._facts.keys() - self._used:
            raise ValueError(f"details of no argument of {self._notation!r}: {sorted(unused)}")
        return arguments

    def _argument(self, node: _Node, group: str) -> Argument:
        """*node* as an argument; *group* is the name of the one around it, if any."""
        match node.kind:
            case "word":
                return self._described(node, group, node.text, _TYPES.get(node.text, "string"), node.token)
            case "token":
                return self._described(node, group, _token_name(node.text), "pure-token", node.text)
            case _:
                return self._described(node, group, self._group_name(), node.kind, node.token)

    def _group_name(self) -> str:
        name = next(self._names, None)
        if name is None:
            raise ValueError(f"fewer names than groups: {self._notation!r}")
        return name

    def _described(self, node: _Node, group: str, name: str, type_name: str, token: str | None) -> Argument:
        is_group = node.kind in ("oneof", "block")
        key = name if is_group or token is None else token
        told = self._told(f"{token} {name}", f"{group} {key}", key)
        name = told.get("name", name)
        type_name = told.get("type", type_name)
        return Argument(
            name=name,
            type=type_name,
            token=None if token is None else token.strip('"'),
            display_text=None if is_group else name if node.kind == "token" else node.text,
            optional=node.optional,
            multiple=node.multiple,
            multiple_token=node.multiple_token,
            key_spec_index=self._key_spec_index(type_name, told),
            summary=told.get("summary", ""),
            since=told.get("since") or told.get("added", ""),
            valkey_since=told.get("valkey-since") or told.get("valkey-added", ""),
            is_since_shown="added" not in told and "valkey-added" not in told,
            deprecated_since=told.get("deprecated-since", ""),
            children=tuple(self._argument(child, name) for child in node.children),
        )

    def _told(self, *keys: str) -> dict[str, str]:
        """The facts under the first of *keys* under which there are any."""
        for key in keys:
            if key in self._facts:
                self._used.add(key)
                return self._facts[key]
        return {}

    def _key_spec_index(self, type_name: str, told: Mapping[str, str]) -> int | None:
        index = None
        if type_name == "key":
            index = self._key_count
            self._key_count += 1
        if "key-spec" in told:
            index = None if told["key-spec"] == "none" else int(told["key-spec"])
        return index


def select(arguments: Sequence[Argument], is_known: Callable[[Argument], bool]) -> tuple[Argument, ...]:
    """*arguments* without those that are not known, at any depth.

    A group that loses alternatives until one is left is that one (``[SCHEDULE | CANCEL]`` without ``CANCEL`` is
    ``[SCHEDULE]``), and a group that loses all goes too.
    """
    selected: list[Argument] = []
    for argument in arguments:
        if not is_known(argument):
            continue
        if argument.children:
            children = select(argument.children, is_known)
            if not children:
                continue
            if len(children) == 1 < len(argument.children) and argument.type == "oneof" and argument.token is None:
                optional = argument.optional or children[0].optional
                argument = replace(children[0], optional=optional, multiple=argument.multiple or children[0].multiple)
            else:
                argument = replace(argument, children=children)
        selected.append(argument)
    return tuple(selected)


def render(arguments: Sequence[Argument]) -> str:
    """The notation of *arguments*, as :func:`parse` reads it; for people, a required block stands without brackets."""
    return " ".join(map(_render, arguments))


def _render(argument: Argument) -> str:
    match argument.type:
        case "oneof":
            body = " | ".join(map(_render, argument.children))
        case "block":
            body = render(argument.children)
        case "pure-token":
            body = ""
        case _:
            body = argument.display_text or argument.name
    notation = body
    if argument.token is not None:
        token = argument.token or '""'
        notation = f"{token} <{body}>" if argument.type == "oneof" else f"{token} {body}".strip()
    if argument.multiple:
        repeated = "" if argument.type == "oneof" else notation if argument.multiple_token else body
        notation += f" [{repeated} ...]" if repeated else " [...]"
    if argument.optional:
        return f"[{notation}]"
    return f"<{notation}>" if argument.type == "oneof" and argument.token is None else notation
