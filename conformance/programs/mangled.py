"""Scripts that are hardly Lua any more: bytes of programs taken out, doubled, put in, exchanged.

They are compiled and not run, for nobody knows whether they end.
"""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from conformance.programs.grammar import Program, programs

PIECES: Final = (
    *(
        b"\0",
        b"\xff",
        b"\x1b",
        b"\r",
        b"\n\r",
        b"'",
        b'"',
        b"\\",
        b"[[",
        b"]]",
        b"[==[",
        b"--",
        b"--[[",
        b"\\999",
        b"\\",
    ),
    *(
        b"0x",
        b"1e",
        b"3..4",
        b"..",
        b"...",
        b"~",
        b"~=",
        b"=",
        b"==",
        b"<",
        b"#",
        b"::",
        b":",
        b";",
        b"(",
        b")",
        b"{",
        b"}",
    ),
    *(
        b" end ",
        b" do ",
        b" function ",
        b" local ",
        b" return ",
        b" break ",
        b" if ",
        b" then ",
        b" until ",
        b" nil ",
        b",",
    ),
    *(
        b" for ",
        b" in ",
        b" and ",
        b" not ",
        b" repeat ",
        b" while ",
        b" else ",
        b" elseif ",
        b" goto ",
        b"[",
        b"]",
        b"$",
        b"@",
    ),
)

MOST_CHANGES: Final = 3


@st.composite
def mangled_scripts(draw: Any) -> bytes:
    """The text of a program after a few changes."""
    program: Program = draw(programs())
    text = "\n".join(program.steps).encode("utf-8")[:3000]

    def below(count: int) -> int:
        return int(draw(st.integers(0, max(count - 1, 0))))

    for _ in range(1 + below(MOST_CHANGES)):
        at = below(len(text) + 1)
        until = min(at + below(12), len(text))
        match below(6):
            case 0:
                text = text[:at] + text[until:]
            case 1:
                text = text[:until] + text[at:]
            case 2:
                text = text[:at] + PIECES[below(len(PIECES))] + text[at:]
            case 3:
                text = text[:at] + bytes((below(256),)) + text[at + 1 :]
            case 4:
                text = text[:at]
            case _:
                text = text[:at] + text[at:until][::-1] + text[until:]
    return text
