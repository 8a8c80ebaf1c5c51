"""Integers and doubles by example: what Redis accepts, and what it prints, as the real servers showed it."""

from __future__ import annotations

import math
import struct
from math import copysign, inf, nan

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from miniredis.structures.numbers import (
    format_double_17g,
    format_double_shortest,
    parse_double,
    parse_integer,
    parse_score_bound,
    parse_sort_weight,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False)


class TestIntegers:
    @pytest.mark.parametrize(
        "text",
        [
            *[b"0", b"7", b"-7", b"10", b"999999999999999999", b"1000000000000000000"],
            *[b"9223372036854775807", b"-9223372036854775808"],
        ],
    )
    def test_a_canonical_integer_of_64_bits_is_read(self, text: bytes) -> None:
        assert parse_integer(text) == int(text)

    @pytest.mark.parametrize(
        "text",
        [
            *[b"", b"-", b"+", b"+1", b"-0", b"00", b"01", b"-01"],
            *[b" 1", b"1 ", b"1\n", b"1\0", b"1_000", b"- 1", b"--1"],
            *[b"1.0", b"1e3", b"0x10", b"abc", b"-abc", "１".encode(), "²".encode()],
            *[b"9223372036854775808", b"-9223372036854775809", b"18446744073709551615", b"100000000000000000000"],
            *[b"00000000000000000000000001", b"9" * 5000],
        ],
    )
    def test_any_other_text_is_no_integer(self, text: bytes) -> None:
        assert parse_integer(text) is None

    @given(st.integers())
    def test_an_integer_reads_back_if_it_fits(self, value: int) -> None:
        assert parse_integer(b"%d" % value) == (value if -(2**63) <= value < 2**63 else None)

    @given(st.text("0123456789-+ _", max_size=22))
    def test_only_the_printed_form_is_an_integer(self, text: str) -> None:
        value = parse_integer(text.encode())
        assert value is None or str(value) == text


NOT_DOUBLES = [
    *[b"", b" ", b" 1", b"\t1", b"1 ", b"1\n", b"\0", b"1\0", b"1\x001", b"nan", b"NaN", b"-nan", b"nan(1)"],
    *[b"infi", b"infinit", b"infinityx", b"+", b"-", b".", b"++1", b"+-1", b"1e", b"1e+", b".e5", b"1e5.5", b"1e 5"],
    *[b"1_000", b"1,5", b"0b1", b"1d5", b"1f", b"1L", b"(1", "１".encode()],
    *[b"0x", b"0x.", b"0x1p", b"0x1p+", b"0x1e+5", b"x1", b"0x1.1.1"],
]
OVERFLOWING = [b"1e400", b"-1e400", b"1.7976931348623159e308", b"1e99999999999999999999", b"9" * 400]
OVERFLOWING_HEXADECIMAL = [b"0x1p1024", b"0x1.fffffffffffff8p1023", b"0x1p99999999999999999999999", b"0x" + b"1" * 300]
UNDERFLOWING = [b"1e-400", b"-1e-400", b"2e-324", b"2.4703282292062327e-324", b"1e-99999999999999999999"]
UNDERFLOWING_HEXADECIMAL = [b"0x1p-1075", b"0x1p-99999", b"0x1p-99999999999999999999999"]


class TestDoubles:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            *[(b"1", 1.0), (b"+1", 1.0), (b"-1", -1.0), (b"1.", 1.0), (b".5", 0.5), (b"-.5", -0.5), (b"007.50", 7.5)],
            *[(b"1e5", 1e5), (b"1E5", 1e5), (b"1e+5", 1e5), (b"1.e5", 1e5), (b".5e1", 5.0), (b"1e-05", 1e-5)],
            *[(b"0e-400", 0.0), (b"0e99999999999999999999", 0.0), (b"0.0e-99999", 0.0)],
            *[(b"5e-324", 5e-324), (b"3e-324", 5e-324), (b"2.4703282292062328e-324", 5e-324), (b"1e-320", 1e-320)],
            *[(b"1.7976931348623157e308", 1.7976931348623157e308), (b"9007199254740993", 9007199254740992.0)],
            (b"9007199254740993." + b"0" * 40 + b"1", 9007199254740994.0),
            (b"0." + b"0" * 400 + b"1e401", 1.0),
            (b"1" + b"0" * 400 + b"e-400", 1.0),
            (b"0.1" + b"0" * 5000, 0.1),
        ],
    )
    def test_decimal_numbers_round_to_the_nearest_double(self, text: bytes, value: float) -> None:
        assert parse_double(text) == value

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            *[(b"0x10", 16.0), (b"0x1p3", 8.0), (b"0X1P3", 8.0), (b"0x.8", 0.5), (b"0x1.", 1.0), (b"0x1e5", 485.0)],
            *[(b"-0x1.8p-1", -0.75), (b"+0x1", 1.0), (b"0x0p-99999", 0.0), (b"0x0p99999999999999999999999", 0.0)],
            *[(b"0x1p-1074", 5e-324), (b"0x1.8p-1075", 5e-324)],
            (b"0x1.00000000000008p0", 1.0),
            (b"0x1.00000000000018p0", 1.0000000000000004),
            (b"0x1.0000000000000800000000001p0", 1.0000000000000002),
        ],
    )
    def test_hexadecimal_numbers_are_read(self, text: bytes, value: float) -> None:
        assert parse_double(text) == value

    @pytest.mark.parametrize("text", [b"inf", b"Inf", b"INF", b"+inf", b"infinity", b"InFiNiTy", b"+infinity"])
    def test_infinity_may_be_spelt_out(self, text: bytes) -> None:
        assert parse_double(text) == inf
        assert parse_double(b"-" + text.lstrip(b"+")) == -inf

    def test_zero_keeps_its_sign(self) -> None:
        negative, positive = parse_double(b"-0"), parse_double(b"+0")
        assert negative == positive == 0.0
        assert copysign(1, negative) == -1
        assert copysign(1, positive) == 1

    @pytest.mark.parametrize("text", NOT_DOUBLES)
    def test_what_strtod_does_not_read_as_a_whole_is_refused(self, text: bytes) -> None:
        assert parse_double(text) is None

    @pytest.mark.parametrize("text", OVERFLOWING + OVERFLOWING_HEXADECIMAL + UNDERFLOWING + UNDERFLOWING_HEXADECIMAL)
    def test_what_is_out_of_range_is_refused(self, text: bytes) -> None:
        assert parse_double(text) is None

    @given(FINITE)
    def test_python_s_notations_are_read_back(self, value: float) -> None:
        assert parse_double(repr(value).encode()) == value
        assert parse_double(value.hex().encode()) == value

    def test_a_long_text_that_is_no_number_is_refused_in_linear_time(self) -> None:
        assert parse_double(b"1" * 1_000_000 + b"x") is None


class TestScoreBounds:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            *[(b"5", 5.0), (b" 5", 5.0), (b"\t\n\v\f\r 5", 5.0), (b" inf", inf), (b"-inf", -inf), (b"0x10", 16.0)],
            *[(b"", 0.0), (b"\0", 0.0), (b"5\0abc", 5.0), (b"\0abc", 0.0)],
            *[(b"1e400", inf), (b"-1e400", -inf), (b"-0x1p1024", -inf), (b"1e-400", 0.0)],
        ],
    )
    def test_a_range_accepts_whatever_strtod_ends_at_a_nul(self, text: bytes, value: float) -> None:
        assert parse_score_bound(text) == value

    @pytest.mark.parametrize("text", [b" ", b"5 ", b"nan", b" nan", b"5abc", b"(5", b".", b"1e", b"abc\x005", b"- 5"])
    def test_a_range_refuses_what_does_not_end_there(self, text: bytes) -> None:
        assert parse_score_bound(text) is None


class TestSortWeights:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            *[(b"5", 5.0), (b"+5", 5.0), (b" 5", 5.0), (b"", 0.0), (b"5\0abc", 5.0), (b"0x10", 16.0), (b"0e-400", 0.0)],
            *[(b"inf", inf), (b" -Infinity", -inf), (b"2.2250738585072014e-308", 2.2250738585072014e-308)],
        ],
    )
    def test_a_weight_is_read_as_leniently_as_a_range(self, text: bytes, value: float) -> None:
        assert parse_sort_weight(text) == value

    @pytest.mark.parametrize("text", [b"abc", b"5 ", b"nan", b"1e400", b" 1e400", b"1e-400", b"1e-320\0"])
    def test_a_weight_must_be_a_normal_double(self, text: bytes) -> None:
        assert parse_sort_weight(text) is None


# Score, as ZSCORE gives it in Redis 7.0.15, and in Valkey 9.1 (which prints as Redis 7.2 does).
PRINTED = [
    (0.0, b"0", b"0"),
    (-0.0, b"-0", b"-0"),
    (inf, b"inf", b"inf"),
    (-inf, b"-inf", b"-inf"),
    (3.0, b"3", b"3"),
    (-17.5, b"-17.5", b"-17.5"),
    (0.1, b"0.10000000000000001", b"0.1"),
    (-0.001, b"-0.001", b"-0.001"),
    (0.1 + 0.2, b"0.30000000000000004", b"0.30000000000000004"),
    (math.pi, b"3.1415926535897931", b"3.141592653589793"),
    (12345678.9, b"12345678.9", b"12345678.9"),
    (1700000000.123, b"1700000000.1229999", b"1700000000.123"),
    (0.0012345, b"0.0012344999999999999", b"0.0012345"),
    (0.00012345, b"0.00012344999999999999", b"1.2345e-4"),
    (0.000123456, b"0.00012345600000000001", b"1.23456e-4"),
    (0.00001, b"1.0000000000000001e-05", b"0.00001"),
    (0.000001, b"9.9999999999999995e-07", b"0.000001"),
    (0.0000001, b"9.9999999999999995e-08", b"1e-7"),
    (-1.5e-7, b"-1.4999999999999999e-07", b"-1.5e-7"),
    (123456789.123456789, b"123456789.12345679", b"1.2345678912345679e+8"),
    (1e15, b"1000000000000000", b"1000000000000000"),
    (1e17, b"1e+17", b"100000000000000000"),
    (9007199254740993.0, b"9007199254740992", b"9007199254740992"),
    (2.0**62, b"4.6116860184273879e+18", b"4611686018427387904"),
    (2.0**62 + 1024, b"4.6116860184273889e+18", b"4611686018427389000"),
    (2.0**63, b"9.2233720368547758e+18", b"9223372036854776000"),
    (1e20, b"1e+20", b"1e+20"),
    (123456789012345680000.0, b"1.2345678901234568e+20", b"123456789012345680000"),
    (1e22, b"1e+22", b"1e+22"),
    (1e23, b"9.9999999999999992e+22", b"99999999999999990000000"),
    (1234567890123456789012345.0, b"1.2345678901234568e+24", b"1.2345678901234568e+24"),
    (1.5e300, b"1.5000000000000001e+300", b"1.5e+300"),
    (2.2250738585072014e-308, b"2.2250738585072014e-308", b"2.2250738585072014e-308"),
    (1.7976931348623157e308, b"1.7976931348623157e+308", b"1.7976931348623157e+308"),
    (5e-324, b"4.9406564584124654e-324", b"5e-324"),
]


class TestPrinting:
    @pytest.mark.parametrize(("value", "printed", "_"), PRINTED)
    def test_redis_7_0_prints_17_significant_digits(self, value: float, printed: bytes, _: bytes) -> None:
        assert format_double_17g(value) == printed

    @pytest.mark.parametrize(("value", "_", "printed"), PRINTED)
    def test_redis_7_2_prints_the_shortest_digits(self, value: float, _: bytes, printed: bytes) -> None:
        assert format_double_shortest(value) == printed

    @pytest.mark.parametrize(
        ("value", "printed"),
        [
            (-1039514241563211.8, b"-1039514241563211.7"),  # as short, but not the nearest
            (-3.1316709716158577e78, b"-3.1316709716158578e+78"),
            (1e23, b"99999999999999990000000"),  # a longer one
        ],
    )
    def test_where_grisu2_misses_the_shortest_digits_so_do_we(self, value: float, printed: bytes) -> None:
        assert format_double_shortest(value) == printed

    def test_the_sign_of_nan_shows_up_to_7_0(self) -> None:
        assert format_double_17g(nan) == format_double_shortest(nan) == b"nan"
        assert format_double_17g(-nan) == b"-nan"
        assert format_double_shortest(-nan) == b"nan"

    @given(FINITE)
    @example(5e-324)
    @example(2.2250738585072014e-308)
    def test_both_forms_read_back_as_the_same_double(self, value: float) -> None:
        assert parse_double(format_double_17g(value)) == value
        assert parse_double(format_double_shortest(value)) == value

    @given(st.integers(0, 2**64 - 1))
    def test_the_shortest_form_has_17_digits_at_most(self, bits: int) -> None:
        (value,) = struct.unpack("<d", struct.pack("<Q", bits))
        if math.isfinite(value) and abs(value) > 2**62:
            digits = format_double_shortest(value).partition(b"e")[0].strip(b"-").replace(b".", b"").strip(b"0")
            assert len(digits) <= 17
