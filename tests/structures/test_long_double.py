"""Long doubles by example: sums as INCRBYFLOAT gives them on x86-64."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniredis.structures.long_double import (
    INFINITY,
    NAN,
    NEGATIVE_INFINITY,
    ZERO,
    LongDouble,
    add,
    format_human,
    from_float,
    parse_long_double,
)

LARGEST = b"1.18973149535723176502e4932"
LONG_DOUBLES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(from_float),
    st.integers(-(2**70), 2**70).map(lambda value: parsed(b"%d" % value)),
    st.builds(lambda digits, exponent: parsed(b"%de%d" % (digits, exponent)), st.integers(), st.integers(-4000, 4000)),
)


def parsed(text: bytes) -> LongDouble:
    value = parse_long_double(text)
    assert value is not None
    return value


def exact(value: LongDouble) -> Fraction:
    return value.significand * Fraction(2) ** value.exponent


class TestReading:
    @pytest.mark.parametrize(
        ("text", "printed"),
        [
            *[(b"3.0e3", b"3000"), (b"1.", b"1"), (b".5", b"0.5"), (b"+5", b"5"), (b"-0", b"0"), (b"007", b"7")],
            *[(b"0x10", b"16"), (b"0X.8P1", b"1"), (b"-0x1p-4", b"-0.0625"), (b"0x1e5", b"485")],
            *[(b"1e+00000000000000000001", b"10"), (b"1e-00000000000000000001", b"0.1"), (b"0x1p00000000000001", b"2")],
            *[(b"0e99999999999999999999", b"0"), (b"0x0p99999999999999999999", b"0")],
            (b"." + b"0" * 5000 + b"1e5001", b"1"),
            (b"0x." + b"0" * 5000 + b"1p20004", b"1"),
            (b"0" * 5118 + b"1", b"1"),
        ],
    )
    def test_the_spellings_of_strtold_are_read(self, text: bytes, printed: bytes) -> None:
        assert format_human(parsed(text)) == printed

    @pytest.mark.parametrize(
        "text",
        [
            *[b"", b" 1", b"\t1", b"1 ", b"1\0", b"abc", b"1e", b"1e+"],
            *[b".", b"+", b"-", b"nan", b"-nan", b"1_0", b"1,5"],
            *[b"0x", b"0x.", b"0x1.1.1", b"0x1p", b"0x1e+5", b"infi", b"0" * 5119 + b"1"],
        ],
    )
    def test_other_texts_are_refused(self, text: bytes) -> None:
        assert parse_long_double(text) is None

    @pytest.mark.parametrize(
        "text",
        [
            *[b"1e4933", b"-1.2e4932", b"1.18973149535723176508e4932"],
            *[b"9" * 4933, b"1e5000", b"1e99999999999999999999"],
            *[b"0x1p16384", b"0x1.ffffffffffffffffp16383", b"0x1p99999999999999999999"],
            *[b"1.8e-4951", b"1e-4952", b"-1e-5000", b"1e-99999999999999999999", b"0x1p-16446"],
        ],
    )
    def test_what_overflows_or_becomes_zero_is_refused(self, text: bytes) -> None:
        assert parse_long_double(text) is None

    @pytest.mark.parametrize("text", [b"1.9e-4951", b"4e-4951", b"0x1p-16445", b"0x1.8p-16446"])
    def test_the_smallest_denormal_number_is_in_range(self, text: bytes) -> None:
        assert parse_long_double(text) == LongDouble(1, -16445)

    def test_the_largest_number_is_in_range(self) -> None:
        assert parse_long_double(LARGEST) == LongDouble(2**64 - 1, 16320)
        assert parse_long_double(b"0x1.fffffffffffffffep16383") == LongDouble(2**64 - 1, 16320)

    @pytest.mark.parametrize("text", [b"inf", b"+INF", b"Infinity"])
    def test_infinity_may_be_spelt_out(self, text: bytes) -> None:
        assert parse_long_double(text) == INFINITY
        assert parse_long_double(b"-" + text.lstrip(b"+")) == NEGATIVE_INFINITY

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            (b"18446744073709551615", 2**64 - 1),
            (b"18446744073709551617", 2**64),  # a tie, to the even neighbour
            (b"18446744073709551619", 2**64 + 4),
            (b"18446744073709551617." + b"0" * 100 + b"1", 2**64 + 2),
        ],
    )
    def test_64_bits_are_kept_and_ties_go_to_the_even_one(self, text: bytes, value: int) -> None:
        assert exact(parsed(text)) == value

    @given(st.integers(0, 10**40), st.integers(-60, 60))
    def test_no_other_long_double_is_nearer(self, digits: int, exponent: int) -> None:
        number = digits * Fraction(10) ** exponent
        read = exact(parsed(b"%de%d" % (digits, exponent)))
        # Half a unit of the last of 64 places.
        assert abs(read - number) * 2**64 <= number


class TestSums:
    @pytest.mark.parametrize(
        ("augend", "addend", "total"),
        [
            (b"10.50", b"0.1", b"10.6"),
            (b"5.0e3", b"2.0e2", b"5200"),
            (b"3.0e3", b"5.0e-5", b"3000.00005000000000011"),
            (b"0.1", b"0.2", b"0.3"),
            (b"1e17", b"0.1", b"100000000000000000.1015625"),
            (b"1.5e3", b"-1500", b"0"),
            (b"-0", b"-0", b"0"),
            (b"-1e-30", b"0", b"0"),
            (b"5e-18", b"0", b"0"),  # the nearest long double lies below the tie
            (b"5.1e-18", b"0", b"0.00000000000000001"),
            (b"-5.1e-18", b"0", b"-0.00000000000000001"),
            (b"18446744073709551615", b"1", b"18446744073709551616"),
            (b"18446744073709551616", b"1", b"18446744073709551616"),
        ],
    )
    def test_a_sum_prints_as_incrbyfloat_gives_it(self, augend: bytes, addend: bytes, total: bytes) -> None:
        assert format_human(add(parsed(augend), parsed(addend))) == total

    def test_what_is_far_too_small_changes_nothing(self) -> None:
        large = parsed(b"1e4000")
        assert add(large, parsed(b"-1e-4000")) == large

    def test_a_sum_may_overflow(self) -> None:
        assert add(parsed(LARGEST), parsed(LARGEST)) == INFINITY
        assert add(parsed(b"-" + LARGEST), parsed(b"-" + LARGEST)) == NEGATIVE_INFINITY
        assert not INFINITY.is_finite

    def test_infinities_of_opposite_signs_make_nan(self) -> None:
        assert add(INFINITY, NEGATIVE_INFINITY) == add(NAN, INFINITY) == add(ZERO, NAN) == NAN
        assert add(INFINITY, parsed(b"1")) == add(INFINITY, INFINITY) == INFINITY

    @given(LONG_DOUBLES, LONG_DOUBLES)
    def test_a_sum_is_the_nearest_long_double(self, augend: LongDouble, addend: LongDouble) -> None:
        total = add(augend, addend)
        number = exact(augend) + exact(addend)
        assert total == add(addend, augend)
        assert abs(exact(total) - number) * 2**64 <= abs(number)
        assert total.significand % 2 == 1 or total == ZERO
        assert abs(total.significand) < 2**64


class TestPrinting:
    def test_a_double_prints_as_geopos_gives_it(self) -> None:
        assert format_human(from_float(13.361389338970184)) == b"13.36138933897018433"
        assert format_human(from_float(38.115556395496299)) == b"38.11555639549629859"

    def test_what_is_not_finite_has_a_name(self) -> None:
        assert [format_human(value) for value in (INFINITY, NEGATIVE_INFINITY, NAN)] == [b"inf", b"-inf", b"nan"]
        assert [from_float(float(name)) for name in ("inf", "-inf", "nan")] == [INFINITY, NEGATIVE_INFINITY, NAN]

    @given(st.floats(-1e15, 1e15))
    def test_17_digits_after_the_point_are_those_of_c(self, value: float) -> None:
        stripped = f"{value:.17f}".rstrip("0").rstrip(".")
        assert format_human(from_float(value)).decode() == ("0" if stripped == "-0" else stripped)

    @pytest.mark.parametrize("length", [616, 617, 618, 639, 640, 641, 1279, 1280, 1281, 4300, 4301, 4932])
    def test_long_integers_print_whatever_python_s_limit_of_digits(self, length: int, low_digit_limit: None) -> None:
        # A power of ten is not a long double from 10**28 on, but its first 18 digits are near enough.
        printed = format_human(parsed(b"1" * length))
        assert len(printed) == length
        assert printed.startswith(b"1" * 18)
        assert format_human(parsed(b"-" + b"1" * length)) == b"-" + printed

    @pytest.fixture
    def low_digit_limit(self) -> Iterator[None]:
        before = sys.get_int_max_str_digits()
        sys.set_int_max_str_digits(640)
        yield
        sys.set_int_max_str_digits(before)
