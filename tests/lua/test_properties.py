"""What a real server's Lua gives for values made up by the hundred, ours gives, and what is packed comes out again."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conformance.servers import Server
from tests.lua.judge import by_server, ours_in_engine, quote

# ruff: noqa: E501
SETTINGS = settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # what differs is one piece of many, and is told by itself
)


def lists(source: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """Pieces of Lua, so many that one EVAL is worth it."""
    return st.lists(source, min_size=20, max_size=60)


def the_same(server: Server, sources: Sequence[str]) -> None:
    """Both give the same for each."""
    with server.connect(timeout=60) as wire:
        told = by_server(wire, sources)
    for source, theirs in zip(sources, told, strict=True):
        assert ours_in_engine(source) == theirs, source


letters = st.sampled_from("ab01 .%-^$[]()*+?zZ_\0\xff")
words = st.text(st.sampled_from("abABz01 _.%()\0\xff"), max_size=12)
items = st.one_of(
    st.sampled_from(["%a", "%d", "%w", "%s", "%S", "%p", "%z", ".", "[ab]", "[^a]", "[a-z%d]", "[]]", "a", "b", "%(", "%%"]),
    st.sampled_from(["%b()", "%f[%w]", "%f[^a]", "%1", "()", "(a)", "(.)", "(.-)", "(%w*)", "^", "$"]),
)  # fmt: skip
patterns = st.one_of(
    st.lists(st.tuples(items, st.sampled_from(["", "", "*", "+", "-", "?"])).map("".join), max_size=5).map("".join),
    st.text(letters, max_size=8),
)


@st.composite
def searches(draw: st.DrawFn) -> str:
    subject, pattern = quote(draw(words)), quote(draw(patterns))
    call = draw(
        st.sampled_from(
            [
                "string.find({s}, {p}, {n})",
                "string.match({s}, {p}, {n})",
                "string.gsub({s}, {p}, {r})",
                "string.gsub({s}, {p}, {r}, {n})",
                "(function() local t = {{}} for a, b in string.gmatch({s}, {p}) do t[#t + 1] = tostring(a) .. '/' .. "
                "tostring(b) end return table.concat(t, ' ') end)()",
            ]
        )
    )
    replacement = quote(draw(st.sampled_from(["x", "%0", "%1", "[%1]", "%%", "%2", ""])))
    return call.format(s=subject, p=pattern, r=replacement, n=draw(st.integers(-5, 8)))


numbers = st.one_of(
    st.integers(-(2**63), 2**64).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["0", "-0", "0.5", "1e15", "1e16", "2^53", "-2^53", "0/0", "1/0", "-1/0", "1e-300", "123456.789"]),
)


@st.composite
def formats(draw: st.DrawFn) -> str:
    flags = draw(st.text(st.sampled_from("-+ #0"), max_size=3))
    width = draw(st.sampled_from(["", "1", "5", "12", "99", "100"]))
    precision = draw(st.sampled_from(["", ".", ".0", ".1", ".3", ".10", ".99", ".100"]))
    conversion = draw(st.sampled_from("diouxXeEfgGcsq%a"))
    value = draw(st.one_of(numbers, words.map(quote), st.sampled_from(["nil", "true", "{}", "'10'", "' 7 '"])))
    return f"string.format({quote('<%' + flags + width + precision + conversion + '>')}, {value})"


@st.composite
def conversions(draw: st.DrawFn) -> str:
    text = draw(st.text(st.sampled_from("0123456789abcdefxXpPeE.+- \t\0infna"), max_size=10))
    number = draw(numbers)
    base = draw(st.integers(0, 40))
    return draw(
        st.sampled_from(
            [
                f"tonumber({quote(text)})",
                f"tonumber({quote(text)}, {base})",
                f"tostring({number})",
                f"{number} .. ''",
                f"tostring({number}) + 0 == {number}",
                f"({number}) % 7",
                f"math.floor({number})",
                f"#tostring({number})",
            ]
        )
    )


def values(*, keys: st.SearchStrategy[str], depth: int = 12) -> st.SearchStrategy[str]:
    """Values as Lua writes them down."""
    simple = st.one_of(
        numbers.filter(lambda text: "/" not in text), words.map(quote), st.sampled_from(["true", "false"])
    )
    return st.recursive(
        simple,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4).map(lambda each: "{" + ", ".join(each) + "}"),
            st.lists(st.tuples(keys, inner), max_size=1).map(
                lambda pairs: "{" + ", ".join(f"[{key}] = {value}" for key, value in pairs) + "}"
            ),
        ),
        max_leaves=depth,
    )


TEXT_KEYS = words.map(quote)
SAME = """(function(pack, unpack_)
  local function same(a, b)
    if type(a) ~= 'table' or type(b) ~= 'table' then return a == b or tostring(a) == tostring(b) end
    for k, v in pairs(a) do if not same(v, b[k]) then return false end end
    for k in pairs(b) do if a[k] == nil then return false end end
    return true
  end
  local value = %s
  local packed = pack(value)
  return packed, same(unpack_(packed), value)
end)(%s)"""


@SETTINGS
@given(lists(searches()))
def test_patterns(redis_server: Server, sources: list[str]) -> None:
    the_same(redis_server, sources)


@SETTINGS
@given(lists(formats()))
def test_formats(redis_server: Server, sources: list[str]) -> None:
    the_same(redis_server, sources)


@SETTINGS
@given(lists(conversions()))
def test_numbers_and_texts(redis_server: Server, sources: list[str]) -> None:
    the_same(redis_server, sources)


@SETTINGS
@given(lists(values(keys=TEXT_KEYS).map(lambda value: SAME % (value, "cjson.encode, cjson.decode"))))
def test_json_round_trips(redis_server: Server, sources: list[str]) -> None:
    the_same(redis_server, sources)


@SETTINGS
@given(lists(values(keys=st.one_of(TEXT_KEYS, st.integers(1, 9).map(str))).map(
    lambda value: SAME % (value, "cmsgpack.pack, cmsgpack.unpack")
)))  # fmt: skip
def test_messagepack_round_trips(redis_server: Server, sources: list[str]) -> None:
    the_same(redis_server, sources)


@SETTINGS
@given(lists(st.text(st.sampled_from('[]{}:,"\\ntruefalsu0123.eE+- \t\n/'), max_size=12).map(
    lambda text: f"cjson.encode(cjson.decode({quote(text)}))"
)))  # fmt: skip
def test_texts_that_are_hardly_json(redis_server: Server, sources: list[str]) -> None:
    the_same(redis_server, sources)


SHOWN = """(function(...)
  local shown = {...}
  for i = 1, select('#', ...) do
    shown[i] = type(shown[i]) == 'table' and tostring(select(2, pcall(cjson.encode, shown[i]))) or tostring(shown[i])
  end
  return unpack(shown)
end)(cmsgpack.unpack(%s))"""


@SETTINGS
@given(lists(st.binary(max_size=12).map(lambda data: SHOWN % quote(data.decode("latin-1")))))
def test_bytes_that_are_hardly_messagepack(redis_server: Server, sources: list[str]) -> None:
    the_same(redis_server, sources)


@st.composite
def structures(draw: st.DrawFn) -> str:
    options = draw(
        st.lists(st.sampled_from([*"bBhHlLiIfdTx", "i3", "I7", "i16", "!", "!2", "!4", "<", ">", " "]), max_size=6)
    )
    count = sum(option[0] in "bBhHlLiIfdT" for option in options)
    given_ = ", ".join(draw(st.lists(numbers, min_size=count, max_size=count)))
    template = quote("".join(options))
    packed = f"struct.pack({template}{', ' if given_ else ''}{given_})"
    return f"{packed}, struct.size({template}), struct.unpack({template}, {packed})"


@SETTINGS
@given(lists(structures()))
def test_structures_round_trip(redis_server: Server, sources: list[str]) -> None:
    the_same(redis_server, sources)
