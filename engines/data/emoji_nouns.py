"""What an emoji shows, in one word, where several show it: by codepoint, after the character names of the Unicode Character Database
(version 14.0). What is listed nowhere is called after its group; see `emoji_groups`."""

from __future__ import annotations

# Hexadecimal codepoints and inclusive ranges.
_LISTED = {
    "apple": "1F34E-1F34F",
    "fruit": "1F345 1F347-1F34D 1F350-1F353 1F95D 1F965 1F96D 1FAD0 1FAD2",
    "cat": "1F408 1F431 1F638-1F640",
    "dog": "1F415 1F429 1F436 1F9AE",
    "monkey": "1F412 1F435 1F648-1F64A",
    "bird": "1F413-1F414 1F423-1F427 1F54A 1F983 1F985-1F986 1F989 1F99A 1F99C 1F9A2 1F9A4 1F9A9",
    "fish": "1F40B 1F41F-1F421 1F42C 1F433 1F988",
    "horse": "1F40E 1F434 1F984 1F993",
    "mouse": "1F400-1F401 1F42D 1F439",
    "bug": "1F40C 1F41B-1F41E 1F577-1F578 1F982 1F98B 1F997 1F99F 1FAB0-1FAB3",
    "tree": "1F332-1F334 1F384 1F38B",
    "flower": "1F337-1F33C 1F4AE 1F940 1FAB7",
    "leaf": "2618 1F331 1F33F-1F343",
    "heart": "2665 2763-2764 1F493-1F49F 1F5A4 1F90D-1F90E 1F9E1",
    "star": "262A 2721 2728 2734 1F31F-1F320 1F52F",
    "moon": "1F311-1F31D",
    "sun": "2600 1F31E",
    "cloud": "2601 26C8 1F327-1F32A",
    "clock": "1F550-1F567 1F570",
    "circle": "26AA-26AB 1F534-1F535 1F7E0-1F7E4",
    "square": "274E 1F532-1F533 1F7E5-1F7EB",
    "diamond": "2666 1F4A0 1F536-1F539",
    "ball": "26BD-26BE 1F38A 1F3B1 1F3C8-1F3C9 1F3D0 1F52E 1F94E 1F9F6 1FAA9",
    "flag": "26F3 1F38C 1F3C1 1F3F3-1F3F4 1F6A9",
    "hand": "261D 270A-270D 1F446-1F450 1F590 1F595-1F596 1F90F 1F919-1F91C 1F91E-1F91F 1FAF0-1FAF6",
    "book": "1F4D2-1F4DA",
    "car": "1F3CE 1F683 1F68B-1F68D 1F68F-1F69C 1F6FB",
    "train": "1F682 1F684-1F687 1F689-1F68A 1F69D-1F69F 1F6A1 1F6E4",
    "boat": "26F4-26F5 1F6A2 1F6A4 1F6E5 1F6F3 1F6F6",
    "house": "26EA 1F3D7-1F3D8 1F3DA-1F3DB 1F3E0-1F3E6 1F3E8-1F3ED 1F3EF-1F3F0 1F6D6",
    "mountain": "26F0 1F304 1F30B 1F3D4 1F5FB 1F6A0",
    "cake": "1F369-1F36A 1F36E 1F370 1F382 1F95E 1F960 1F967 1F96E 1F9C1",
    "shoe": "1F45E-1F462 1F97E-1F97F 1FA70 1FA74",
    "hat": "26D1 1F393 1F3A9 1F451-1F452 1F9E2 1FA96",
    "bell": "1F514-1F515 1F6CE",
    "lock": "1F510-1F513 1F5DD",
    "camera": "1F3A5 1F4F7-1F4F9",
    "umbrella": "2602 2614 26F1 1F302",
    "man": "1F468 1F472-1F474 1F574 1F57A 1F935 1FAC3",
    "woman": "1F469 1F46F 1F475 1F930",
    "baby": "1F476 1F47C",
    "drink": "2615 1F376-1F37C 1F37E 1F942-1F943 1F95B 1F9C3 1F9C9",
    "letter": "2709 1F48C 1F4E7-1F4E8 1F9E7",
}


def _noun_of() -> dict[int, str]:
    table: dict[int, str] = {}
    for noun, spans in _LISTED.items():
        for span in spans.split():
            first, _, last = span.partition("-")
            table |= dict.fromkeys(range(int(first, 16), int(last or first, 16) + 1), noun)
    return table


NOUNS = tuple(_LISTED)
NOUN_OF = _noun_of()
