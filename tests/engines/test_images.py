"""Image data sets, and the pictures that visitors send: what is accepted, and what is refused before it costs anything."""

import io
import struct
import time
import tracemalloc
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


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_formats(kind):
    out = decode_uploads(good(kind=kind)).pixels
    assert out.shape == (8, 3, 32, 32) and out.dtype == np.uint8
    assert np.abs(out[0, :, 16, 16].astype(int) - (200, 30, 30)).max() <= 4


def test_a_zip_with_folders_and_a_loose_file():
    archive = zipped([(f"../../deep/{name}", data) for name, data in good()] + [("__MACOSX/._0.png", b"x"), (".DS_Store", b"x")])
    assert decode_uploads([("a.zip", archive), ("b.webp", encoded(kind="WEBP", lossless=True))]).pixels.shape == (9, 3, 32, 32)


@pytest.mark.parametrize("mode", ["L", "1", "LA", "P", "I;16"])
def test_grey_becomes_one_channel(mode):
    colour = {"L": 128, "1": 1, "LA": (128, 255), "P": 0, "I;16": 30_000}[mode]
    out = decode_uploads(good(mode=mode, colour=colour)).pixels
    assert out.shape == (8, 1, 28, 28)
    assert abs(int(out.mean()) - {"L": 128, "1": 255, "LA": 128, "P": 0, "I;16": 117}[mode]) <= 1


def test_the_first_frame_of_an_animation():
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "WEBP", "TIFF"):
        stream = io.BytesIO()
        frames[0].save(stream, kind, save_all=True, append_images=frames[1:])
        out = decode_uploads([(f"a.{kind}", stream.getvalue())] * 8).pixels[0, :, 16, 16].astype(int)
        assert np.abs(out - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize("mode", ["RGB with a key", "L with a key", "P", "P with alphas", "LA", "RGBA"])
def test_what_is_transparent_is_white_however_it_is_written(mode):
    left = Image.new("RGB", (40, 40), (200, 0, 0))
    left.paste((0, 0, 200), (20, 0, 40, 40))
    options, stream = {}, io.BytesIO()
    if mode == "RGB with a key":
        options["transparency"] = (200, 0, 0)
    elif mode == "L with a key":
        left = Image.fromarray(np.repeat(np.array([[50] * 20 + [0] * 20], np.uint8), 40, 0))
        options["transparency"] = 50
    elif mode.startswith("P"):
        left = left.quantize(2)
        seen = left.getpixel((0, 0))
        options["transparency"] = bytes(0 if i == seen else 255 for i in range(2)) if "alphas" in mode else seen
    else:
        left.putalpha(Image.fromarray(np.repeat(np.array([[0] * 20 + [255] * 20], np.uint8), 40, 0)))
        left = left.convert(mode)
    left.save(stream, "PNG", **options)
    out = decode_uploads([("a.png", stream.getvalue())] * 8).pixels[0]
    assert out[:, 16, 4].min() >= 250 and out[:, 16, 27].min() <= 60


def test_one_bad_file_does_not_spoil_the_others():
    jpeg = encoded(kind="JPEG", size=(400, 300))
    files = [*good(), ("cut.jpg", jpeg[: len(jpeg) // 3]), ("labels.csv", b"a,b"), ("bomb.png", png_claiming(20_000, 20_000))]
    for sent in (files, [("all.zip", zipped(files))]):
        out = decode_uploads(sent)
        assert out.pixels.shape == (8, 3, 32, 32)
        assert [line.split(":")[0] for line in out.left_out] == ["labels.csv", "bomb.png", "cut.jpg"]


def test_pictures_of_a_phone_are_read_in_little_memory():
    noise = np.random.default_rng(0).integers(0, 255, (378, 504, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).resize((4032, 3024)).save(stream, "JPEG", quality=20)
    peaks = []
    for n in (8, 24):
        tracemalloc.start()
        assert decode_uploads([(f"{i}.jpg", stream.getvalue()) for i in range(n)]).pixels.shape == (n, 3, 32, 32)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < 20e6


def test_centre_square_on_white():
    picture = np.zeros((20, 60, 4), np.uint8)
    picture[:, 20:40] = (0, 0, 255, 255)
    picture[:, 20:30, 3] = 0
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    out = decode_uploads([("a.png", stream.getvalue())] * 8).pixels[0]
    assert tuple(out[:, 16, 4]) == (255, 255, 255) and tuple(out[:, 16, 28]) == (0, 0, 255)


def test_turned_as_the_camera_says():
    picture = Image.new("RGB", (40, 40), "white")
    picture.paste((255, 0, 0), (0, 0, 40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown a quarter turn clockwise
    stream = io.BytesIO()
    picture.save(stream, "JPEG", exif=exif)
    out = decode_uploads([("a.jpg", stream.getvalue())] * 8).pixels[0]
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


def tiff_claiming(width, height):
    data = bytearray(encoded(kind="TIFF", size=(61, 43)))
    for tag, was, now in ((256, 61, width), (257, 43, height)):
        at = data.index(
            struct.pack("<HHII", tag, 4, 1, was) if struct.pack("<HHI", tag, 4, 1) in data else struct.pack("<HHIH", tag, 3, 1, was)
        )
        data[at + 8 : at + 10] = struct.pack("<H", now)
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
    "png claims 20000x20000": ([("bomb.png", png_claiming(20_000, 20_000))], "bomb.png: 20,000×20,000 pixels are too many"),
    "webp claims 16000x16000": ([("bomb.webp", webp_claiming(16_000, 16_000))], "bomb.webp: 16,000×16,000 pixels are too many"),
    "jpeg claims 60000x60000": ([("bomb.jpg", jpeg_claiming(60_000, 60_000))], "bomb.jpg: 60,000×60,000 pixels are too many"),
    "many large pictures": ([("a.png", encoded(size=(4_000, 3_900)))] * 6, "a.png: the pictures together exceed 64,000,000 pixels"),
    "png with too few rows": ([("a.png", png_claiming(2_000, 2_000))] * 8, "a.png: damaged picture"),
    "zip of zeros": ([("b.zip", zipped([("a.png", bytes(7_000_000))]))], "a.png: unpacks to more than 50 times its size"),
    "zip that lies about sizes": ([("b.zip", lying_zip())], "a.png: "),
    "zip in a zip": ([("b.zip", zipped([("inner.zip", zipped(good()))]))], "inner.zip: an archive inside an archive"),
    "encrypted zip": ([("b.zip", encrypted_zip())], "0.png: encrypted"),
    "truncated zip": ([("b.zip", zipped(good())[:-30])], "b.zip: damaged zip archive"),
    "too many files": (good(MAX_FILES + 1, size=(2, 2)), "500.png: more than 500 pictures"),
    "too many entries": ([("b.zip", zipped([(f"{i}/", b"") for i in range(2_001)]))], "b.zip: more than 2,000 entries"),
    "heic": ([("a.heic", b"\0\0\0\x18ftypheic" + bytes(20))], "a.heic: HEIC and AVIF are not read here; save it as JPEG"),
    "gif claims 60000x60000": (
        [("a.gif", b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + bytes(20))],
        "60,000×60,000 pixels are too many",
    ),
    "tiff claims 30000x30000": ([("a.tif", tiff_claiming(30_000, 30_000))], "a.tif: its pixels are too many"),
    "svg": ([("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")], "a.svg: not a PNG, JPEG, WebP, GIF, BMP or TIFF picture"),
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
