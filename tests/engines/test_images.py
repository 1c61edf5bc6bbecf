"""Image data sets, and the pictures that visitors send: what is accepted, and what is refused before it costs anything."""

import io
import struct
import time
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from engines.data import DATASETS, images, load
from engines.data.emoji_groups import group
from engines.data.uploads import MAX_FILES, decode_uploads

KEYS = [key for key, info in DATASETS.items() if info.kind == "image"]


@pytest.mark.parametrize("key", KEYS)
def test_data_set(key):
    data, info = load(key), DATASETS[key]
    assert data.shape == info.shape and data.classes == info.classes
    for pixels, labels in ((data.pixels, data.labels), (data.test_pixels, data.test_labels)):
        assert pixels.dtype == np.float32 and labels.dtype == np.int64
        assert pixels.shape == (len(labels), *info.shape) and pixels.flags.c_contiguous
        assert pixels.min() == -1 and pixels.max() == 1
        assert set(labels.tolist()) == set(range(len(info.classes)))


def test_sizes():
    sizes = {key: (len(load(key).pixels), len(load(key).test_pixels)) for key in KEYS}
    assert sizes == {"digits": (1438, 359), "mnist": (10_000, 2_000), "fashion": (10_000, 2_000), "emoji": (1_040, 259)}


def test_nothing_held_out_is_trained_on():
    for key in ("mnist", "fashion", "digits"):
        data = load(key)
        seen = {x.tobytes() for x in data.pixels}
        assert sum(x.tobytes() in seen for x in data.test_pixels) == 0, key


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    theirs, ours = load_digits(), load("digits")
    held = np.arange(len(theirs.images)) % images.HELD_OUT == images.HELD_OUT - 1
    np.testing.assert_array_equal(ours.test_pixels[:, 0], theirs.images[held] / 8 - 1)
    np.testing.assert_array_equal(ours.labels, theirs.target[~held])


def test_loaded_once():
    assert load("mnist") is load("mnist")


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("😀", "face"),
        ("👍", "person"),
        ("🐧", "animal"),
        ("🌵", "plant"),
        ("🍕", "food"),
        ("🚀", "place"),
        ("🎸", "object"),
        ("❤", "symbol"),
    ],
)
def test_emoji_groups(character, name):
    assert DATASETS["emoji"].classes[group(ord(character))] == name


def test_emoji_stand_on_white():
    corners = load("emoji").pixels[:, :, 0, 0]
    assert np.median(corners) == 1


def test_own_images():
    data = images.own(np.full((9, 3, 16, 16), 255, np.uint8))
    assert data.pixels.dtype == np.float32 and data.pixels.max() == 1 and data.classes == ()


@pytest.mark.parametrize(
    "array",
    [
        None,
        np.zeros((7, 3, 32, 32), np.uint8),
        np.zeros((9, 2, 32, 32), np.uint8),
        np.zeros((9, 3, 30, 32), np.uint8),
        np.zeros((9, 3, 64, 64), np.uint8),
        np.full((9, 1, 28, 28), np.nan, np.float32),
        np.full((9, 1, 28, 28), 1.5, np.float32),
    ],
)
def test_own_images_that_do_not_fit(array):
    with pytest.raises(ValueError):
        images.own(array)


def encoded(colour=(200, 30, 30), size=(50, 40), kind="PNG", mode="RGB", **options):
    stream = io.BytesIO()
    Image.new(mode, size, colour).save(stream, kind, **options)
    return stream.getvalue()


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


def good(n=8, **options):
    return [(f"{i}.png", encoded(**options)) for i in range(n)]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_formats(kind):
    out = decode_uploads(good(kind=kind))
    assert out.shape == (8, 3, 32, 32) and out.dtype == np.uint8
    assert np.abs(out[0, :, 16, 16].astype(int) - (200, 30, 30)).max() <= 4


def test_a_zip_with_folders_and_a_loose_file():
    archive = zipped([(f"../../deep/{name}", data) for name, data in good()] + [("__MACOSX/._0.png", b"x"), (".DS_Store", b"x")])
    assert decode_uploads([("a.zip", archive), ("b.webp", encoded(kind="WEBP", lossless=True))]).shape == (9, 3, 32, 32)


@pytest.mark.parametrize("mode", ["L", "1", "LA", "P", "I;16"])
def test_grey_becomes_one_channel(mode):
    colour = {"L": 128, "1": 1, "LA": (128, 255), "P": 0, "I;16": 30_000}[mode]
    out = decode_uploads(good(mode=mode, colour=colour))
    assert out.shape == (8, 1, 28, 28)
    assert abs(int(out.mean()) - {"L": 128, "1": 255, "LA": 128, "P": 0, "I;16": 117}[mode]) <= 1


def test_centre_square_on_white():
    picture = np.zeros((20, 60, 4), np.uint8)
    picture[:, 20:40] = (0, 0, 255, 255)
    picture[:, 20:30, 3] = 0
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    out = decode_uploads([("a.png", stream.getvalue())] * 8)[0]
    assert tuple(out[:, 16, 4]) == (255, 255, 255) and tuple(out[:, 16, 28]) == (0, 0, 255)


def test_turned_as_the_camera_says():
    picture = Image.new("RGB", (40, 40), "white")
    picture.paste((255, 0, 0), (0, 0, 40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown a quarter turn clockwise
    stream = io.BytesIO()
    picture.save(stream, "JPEG", exif=exif)
    out = decode_uploads([("a.jpg", stream.getvalue())] * 8)[0]
    assert out[1, 16, 28] < 60 < 200 < out[1, 16, 4]


def png_claiming(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def webp_claiming(width, height):
    body = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def jpeg_claiming(width, height):
    data = bytearray(encoded(kind="JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def encrypted_zip():
    data = bytearray(zipped(good()))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(signature, at + 4)
    return bytes(data)


def lying_zip():
    """Claims a small member that unpacks to 20 MB."""
    data = bytearray(zipped([("a.png", bytes(20_000_000))]))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.find(signature)
        data[at + offset : at + offset + 4] = struct.pack("<I", 100)
    return bytes(data)


REFUSED = {
    "png claims 20000x20000": ([("bomb.png", png_claiming(20_000, 20_000))], "bomb.png: 20,000×20,000 is more than 16,000,000 pixels"),
    "webp claims 16000x16000": ([("bomb.webp", webp_claiming(16_000, 16_000))], "bomb.webp: 16,000×16,000 is more than"),
    "jpeg claims 60000x60000": ([("bomb.jpg", jpeg_claiming(60_000, 60_000))], "bomb.jpg: 60,000×60,000 is more than"),
    "many large pictures": ([("a.png", png_claiming(4_000, 3_900))] * 6, "a.png: the pictures together exceed 64,000,000 pixels"),
    "png with too few rows": ([("a.png", png_claiming(2_000, 2_000))] * 8, "a.png: damaged picture"),
    "zip of zeros": ([("b.zip", zipped([("a.png", bytes(7_000_000))]))], "b.zip/a.png: unpacks to more than 50 times its size"),
    "zip that lies about sizes": ([("b.zip", lying_zip())], "b.zip/a.png: "),
    "zip in a zip": ([("b.zip", zipped([("inner.zip", zipped(good()))]))], "b.zip/inner.zip: an archive inside an archive"),
    "encrypted zip": ([("b.zip", encrypted_zip())], "b.zip/0.png: encrypted"),
    "truncated zip": ([("b.zip", zipped(good())[:-30])], "b.zip: damaged zip archive"),
    "too many files": (good(MAX_FILES + 1, size=(2, 2)), "500.png: more than 500 pictures"),
    "too many entries": ([("b.zip", zipped([(f"{i}/", b"") for i in range(2_001)]))], "b.zip: more than 2,000 entries"),
    "gif": ([("a.gif", encoded(kind="GIF"))], "a.gif: not a PNG, JPEG or WebP picture"),
    "svg": ([("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")], "a.svg: not a PNG, JPEG or WebP picture"),
    "text called png": ([("a.png", b"hello")], "a.png: not a PNG"),
    "empty": ([("a.png", b"")], "a.png: not a PNG"),
    "truncated png": ([("a.png", encoded(size=(400, 400))[:200])] * 8, "a.png: damaged picture"),
    "truncated jpeg header": ([("a.jpg", encoded(kind="JPEG")[:30])], "a.jpg: damaged picture"),
    "truncated webp": ([("a.webp", encoded(kind="WEBP")[:40])] * 8, "a.webp: damaged picture"),
    "large file": ([("a.png", encoded() + bytes(8_000_000))], "a.png: larger than 8,000,000 bytes"),
    "too few": (good(7), "7 pictures are too few; at least 8 are needed"),
    "none": ([], "0 pictures are too few"),
    "path in the name": ([("../../etc/pass\x00wd", b"x")], "passwd: not a PNG"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    files, sentence = REFUSED[case]
    started = time.process_time()
    with pytest.raises(ValueError) as refusal:
        decode_uploads(files)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value) and ".." not in str(refusal.value)
    assert time.process_time() - started < 1.0
