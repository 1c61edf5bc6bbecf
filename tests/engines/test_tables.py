"""Points out of tables as programs and people write them, and what is refused because it could be read in two ways."""

import numpy as np
import pytest

from engines.data import tables, toy2d

T = np.linspace(0, 2 * np.pi, 41)[:-1]
CIRCLE = np.stack([np.cos(T), np.sin(T)], 1)
RING = CIRCLE.round(3)


def rows(separator=",", decimal=".", points=RING, digits=3):
    return [separator.join(f"{v:.{digits}f}".replace(".", decimal) for v in row) for row in points]


def numbered(lines, start=0, separator=","):
    return [f"{i}{separator}{line}" for i, line in enumerate(lines, start)]


GOOD = {
    "plain": "\n".join(rows()),
    "names": "\n".join(["x,y", *rows()]),
    "quoted": "\n".join(['"x","y"', *(",".join(f'"{v}"' for v in line.split(",")) for line in rows())]),
    "spaces after commas": "\n".join(line.replace(",", ", ") for line in rows()),
    "tabs": "\n".join(["x\ty", *rows("\t")]),
    "bars": "\n".join(rows(" | ")),
    "semicolons": "\r\n".join(rows(";")),
    "old line ends": "\r".join(rows(";")),
    "sep= of a spreadsheet": "sep=;\n" + "\n".join(rows(";", ",")),
    "decimal commas, semicolons": "\n".join(["x;y", *rows(";", ",")]),
    "decimal commas, tabs": "\n".join(rows("\t", ",")),
    "decimal commas, spaces": "\n".join(rows(" ", ",")),
    "decimal commas, comma and space": "\n".join(rows(", ", ",")),
    "decimal commas, quoted": "\n".join(";".join(f'"{v}"' for v in line.split(";")) for line in rows(";", ",")),
    "minus signs of typographers": "\n".join(rows()).replace("-", "\u2212"),
    "comments": "# measured\n% twice\n\n#x y\n" + "\n".join(rows(" ")),
    "exponents": "\n".join(f"{x:e} {y:e}" for x, y in RING),
    "index without a name": "\n".join([",x,y", *numbered(rows())]),
    "index of R": "\n".join(["x y", *numbered(rows(" "), 1, " ")]),
    "index called id": "\n".join(["id,x,y", *numbered(rows(), 1)]),
    "index and no names": "\n".join(numbered(rows())),
    "x and y among others": "\n".join(["time,y,x,label", *(f"{9 + i * i},{y:.3f},{x:.3f},a" for i, (x, y) in enumerate(RING))]),
    "label first": "\n".join(["name,x,y", *(f"p{i},{line}" for i, line in enumerate(rows()))]),
    "trailing separators": "\n".join(line + "," for line in rows()),
}


@pytest.mark.parametrize("case", GOOD)
def test_the_same_points_however_they_are_written(case):
    found = tables.read(GOOD[case].encode())
    np.testing.assert_allclose(found.points, RING)
    assert found.lines == 40 and len(found.about()["preview"]) == 5 and "40 points" in found.sentence


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings(encoding):
    text = "Länge;Höhe\r\n" + "\r\n".join(rows(";", ","))
    found = tables.read(text.encode(encoding))
    np.testing.assert_allclose(found.points, RING)
    assert found.columns == ("Länge", "Höhe") and found.decimal == ","


@pytest.mark.parametrize(
    ("text", "left", "columns"),
    [
        (GOOD["index without a name"], "counts the lines", ["x", "y"]),
        (GOOD["x and y among others"], "label (not numbers)", ["x", "y"]),
        ("\n".join(f"{i * i},{line}" for i, line in enumerate(rows())), "column 3", ["column 1", "column 2"]),
    ],
)
def test_what_was_left_out_is_said(text, left, columns):
    found = tables.read(text.encode())
    assert any(left in each for each in found.left_out) and left in found.sentence and found.about()["columns"] == columns


def test_thousands_are_grouped_by_many():
    for text, value in [
        ("1 234,5;0", 1234.5),
        ("1.234,5;0", 1234.5),
        ("1'234.5;0", 1234.5),
        ("1\u202f234,5;0", 1234.5),
        ("1,234.5;0", 1234.5),
    ]:
        assert tables.read("\n".join([text] * 12).encode()).points[0, 0] == value, text


AMBIGUOUS = "\n".join(line.replace(", ", ",") for line in rows(",", ","))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (AMBIGUOUS, "Line 2 reads as four whole numbers or as two with decimal commas"),
        ("0,5;0,7\n0.5;0.7\n" * 10, "decimal point"),
        ("\n".join([*rows(), "nan,1"]), "Line 41: nan is not a number"),
        ("\n".join([*rows(), "1,-inf"]), "Line 41: -inf is not a number"),
        ("\n".join([*rows(), "1,"]), "Line 41 has no number in column 2"),
        ("\n".join([*rows(), "1_0,2"]), "Line 41: 1_0 is not a number"),
        ("\n".join([*rows(), "1e999,2"]), "Line 41: 1e999 is not a number"),
        ("\n".join([*rows()[:9], "three,1", *rows()[9:]]), "Line 10: three is not a number"),
        ("name\nada\nbob\n", "Line 2 does not hold two numbers: ada"),
        ('1,"2\n3,4', "Line 1 has a quote"),
        ("", "no line of numbers"),
        ("# nothing\n", "no line of numbers"),
        ("PK\x03\x04", "spreadsheet"),
        ("\0\1\2\3" * 50, "not a text"),
    ],
)
def test_what_is_not_plain_is_refused_by_its_line(text, words):
    with pytest.raises(ValueError, match=words):
        tables.read(text.encode())


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("fine", [1, 1_000, 1e-4])
def test_jitter_is_that_of_each_column_in_its_own_unit(unit, fine):
    toy = toy2d.own(CIRCLE * [unit, unit * fine])
    np.testing.assert_allclose(toy.points.std(0), np.array([1, fine]) * unit / np.sqrt(2), rtol=0.02)


def test_points_far_from_zero_are_points():
    toy = toy2d.own(CIRCLE * 100 + [500_000, 4_649_776])
    np.testing.assert_allclose(toy.points.astype(np.float64).std(0), 70.7, rtol=0.02)
    assert np.abs(toy.unit.mean(0)).max() < 0.1


@pytest.mark.parametrize("points", [CIRCLE + 1e9, CIRCLE * 1e13, CIRCLE * 1e-13, CIRCLE * 0 + 7, CIRCLE * np.nan])
def test_what_single_precision_cannot_hold_is_refused(points):
    with pytest.raises(ValueError):
        toy2d.own(points)


def test_a_line_of_points_is_a_line():
    toy = toy2d.own(np.stack([np.arange(40.0), np.zeros(40)], 1))
    assert 0 < toy.points[:, 1].std() < toy.points[:, 0].std() / 10
