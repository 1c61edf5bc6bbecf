"""Pictures that a visitor sends, made into one small array. Everything is checked before it is decoded: a few kilobytes of PNG can
claim gigabytes of pixels, and a zip archive can hide the same. No torch here."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_FILES = 500
MAX_PIXELS = 100_000_000  # of one JPEG as its header states it: it is decoded straight to an eighth
MAX_DECODED = 16_000_000  # of one image as it is decoded
MAX_TOTAL_PIXELS = 64_000_000  # of all together as they are decoded: about four seconds
MAX_STATED_PIXELS = 1_000_000_000  # of all together as their headers state them: reading an eighth of a JPEG takes time too
MAX_FILE_BYTES = 8_000_000
MAX_TOTAL_BYTES = 64_000_000  # of all files, unpacked
MAX_MEMBERS = 2_000  # of an archive, folders and all
MAX_RATIO = 50  # unpacked over packed; pictures are compressed already, so an honest archive stays near 1
MIN_IMAGES = 8
COLOUR_SIDE, GREY_SIDE = 32, 28
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
ORIENTATION = 0x0112  # the EXIF tag
NAMED = 4  # files left out that the answer names
HEIC = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypmif1", b"ftypmsf1", b"ftypavif")


class Unfit(ValueError):
    """One file that cannot be used. The others may."""


@dataclass(frozen=True)
class Decoded:
    """`pixels` (n, c, h, w) uint8, and why each file that was left out was."""

    pixels: np.ndarray
    left_out: tuple[str, ...] = ()


def decode_uploads(files: list[tuple[str, bytes]]) -> Decoded:
    """Named files, pictures or zip archives of them -> (n, 3, 32, 32), or (n, 1, 28, 28) if every picture is grey. Each is cropped to its
    central square, turned as its EXIF says and put on white where it is transparent. A file that is no picture, is damaged or too large is
    left out and named; ValueError names what is wrong with all of them together."""
    left_out: list[str] = []
    opened: list[tuple[str, _Opened]] = []
    for name, data in _members(files, left_out):  # all headers before the first decoding
        with _or_left_out(left_out):
            opened.append((name, _opened(name, data)))
        stated, decoded = sum(o.stated for _, o in opened), sum(o.picture.width * o.picture.height for _, o in opened)
        if decoded > MAX_TOTAL_PIXELS or stated > MAX_STATED_PIXELS:
            raise ValueError(f"{name}: the pictures together exceed {MAX_TOTAL_PIXELS:,} pixels; send fewer or smaller ones")
    pictures: list[Any] = []  # (32, 32, 3) each
    while opened:
        name, found = opened.pop(0)
        with _or_left_out(left_out):
            pictures.append(_square(name, found.picture))
    if len(pictures) < MIN_IMAGES:
        raise ValueError(f"{_many(len(pictures))} too few; at least {MIN_IMAGES} are needed{_because(left_out)}")
    if not all(_is_grey(p) for p in pictures):
        return Decoded(np.stack([np.asarray(p) for p in pictures]).transpose(0, 3, 1, 2).copy(), tuple(left_out))
    return Decoded(np.stack([np.asarray(_resize(p.convert("L"), GREY_SIDE)) for p in pictures])[:, None], tuple(left_out))


@contextmanager
def _or_left_out(left_out: list[str]) -> Iterator[None]:
    """What a file does wrong is noted, and the others go on."""
    try:
        yield
    except Unfit as error:
        left_out.append(str(error))


def _many(n: int) -> str:
    return "1 picture is" if n == 1 else f"{n} pictures are"


def _because(left_out: Sequence[str]) -> str:
    """The first files that were left out, for a sentence."""
    more = f" and {len(left_out) - NAMED} more" if len(left_out) > NAMED else ""
    return f"; left out: {'; '.join(left_out[:NAMED])}{more}" if left_out else ""


def _members(files: list[tuple[str, bytes]], left_out: list[str]) -> Iterator[tuple[str, bytes]]:
    """Every file to decode, archives opened, with the limits on number and size applied."""
    count = size = 0
    for outer, data in files:
        outer = _plain(outer)
        for name, content in _unzip(outer, data, left_out) if data[:4] == b"PK\x03\x04" else [(outer, data)]:
            count, size = count + 1, size + len(content)
            if count > MAX_FILES:
                raise ValueError(f"{name}: more than {MAX_FILES} pictures")
            if size > MAX_TOTAL_BYTES:
                raise ValueError(f"{name}: the files together exceed {MAX_TOTAL_BYTES:,} bytes")
            if len(content) > MAX_FILE_BYTES:
                left_out.append(f"{name}: larger than {MAX_FILE_BYTES:,} bytes")
                continue
            yield name, content


def _unzip(outer: str, data: bytes, left_out: list[str]) -> Iterator[tuple[str, bytes]]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, struct.error) as error:
        raise ValueError(f"{outer}: damaged zip archive") from error
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise ValueError(f"{outer}: more than {MAX_MEMBERS:,} entries in the archive")
    for member in members:
        name = _plain(member.filename)
        if member.is_dir() or name.startswith(".") or "__MACOSX" in member.filename:
            continue
        try:
            yield name, _read(archive, member, name)
        except Unfit as error:
            left_out.append(str(error))


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bytes:
    """One member, never unpacking more than the limit whatever its header claims."""
    if member.flag_bits & 1:
        raise Unfit(f"{name}: encrypted")
    if member.file_size > MAX_RATIO * max(member.compress_size, 1) and member.file_size > 10_000:
        raise Unfit(f"{name}: unpacks to more than {MAX_RATIO} times its size")
    try:
        with archive.open(member) as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, RuntimeError, ValueError) as error:
        raise Unfit(f"{name}: damaged zip archive") from error
    except Exception as error:  # zlib.error, lzma.LZMAError: no common base
        raise Unfit(f"{name}: damaged zip archive") from error
    if content[:2] == b"PK":
        raise Unfit(f"{name}: an archive inside an archive")
    return content


@dataclass(frozen=True)
class _Opened:
    """A picture whose pixels are not decoded yet, and how many its header states."""

    picture: Any
    stated: int


def _size(name: str, data: bytes) -> tuple[int, int]:
    """Width and height as the header states them, before any decoder allocates for them. Formats whose headers are not read here are
    measured by Pillow, which reads no pixel before it is asked to."""
    if data[4:12] in HEIC:
        raise Unfit(f"{name}: HEIC and AVIF are not read here; save it as JPEG")
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
    elif data[:3] == b"\xff\xd8\xff":
        width, height = _jpeg_size(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) >= 30:
        width, height = _webp_size(data)
    elif data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
    elif data[:2] == b"BM" and len(data) >= 26:
        width, height = (abs(side) for side in struct.unpack("<ii", data[18:26]))
    elif data[:4] in (b"II*\0", b"MM\0*"):
        width, height = 1, 1  # lies anywhere in the file
    else:
        raise Unfit(f"{name}: not a PNG, JPEG, WebP, GIF, BMP or TIFF picture")
    if width < 1 or height < 1:
        raise Unfit(f"{name}: damaged picture")
    if width * height > (MAX_PIXELS if data[:3] == b"\xff\xd8\xff" else MAX_DECODED):
        raise Unfit(f"{name}: {width:,}×{height:,} pixels are too many")
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """From the first start-of-frame segment (markers C0 ... CF without C4, C8, CC). (0, 0) if there is none."""
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return 0, 0
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        else:
            at += 2 + length
    return 0, 0


def _webp_size(data: bytes) -> tuple[int, int]:
    """From the first chunk: extended, lossless or lossy (RFC 9649, sections 2.5 to 2.7)."""
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def _opened(name: str, data: bytes) -> _Opened:
    """Header read, size checked, a JPEG told to decode straight to a smaller size."""
    from PIL import Image

    width, height = _size(name, data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what is refused here
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
            stated = max(picture.width * picture.height, width * height)
            picture.draft("RGB", (2 * COLOUR_SIDE, 2 * COLOUR_SIDE))
    except MemoryError:
        raise
    except Image.DecompressionBombError:
        raise Unfit(f"{name}: its pixels are too many") from None
    except Exception as error:
        raise Unfit(f"{name}: damaged picture") from error
    if picture.width * picture.height > MAX_DECODED or stated > MAX_PIXELS:
        raise Unfit(f"{name}: {picture.width:,}×{picture.height:,} pixels are too many")
    return _Opened(picture, stated)


def _square(name: str, picture: Any) -> Any:
    """The central square on white, 32x32 RGB, turned upright, as a Pillow image. The first frame of an animation. Transparency is that of
    the pixels, however it is written: an alpha channel, a palette's, or a colour that stands for it."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture.load()
        see_through = picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info
        turn = picture.getexif().get(ORIENTATION, 1)
        if see_through:
            picture = picture.convert("RGBA")
        elif picture.mode.startswith(("I", "F")):  # more than 8 bits of grey
            picture = _eight_bits(picture)
        elif picture.mode != "RGB":
            picture = picture.convert("RGB")
        picture = _crop(picture)
        if see_through:
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
        picture = _resize(picture, COLOUR_SIDE)
        picture.getexif()[ORIENTATION] = turn
        return ImageOps.exif_transpose(picture).convert("RGB")
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, ...
        raise Unfit(f"{name}: damaged picture") from error


def _eight_bits(picture: Any) -> Any:
    """Grey of 16 bits by its top eight; of other depths from its least to its largest value."""
    from PIL import Image

    grey = np.asarray(picture).astype(np.float64)
    if picture.mode.startswith("I;16") or (picture.mode == "I" and grey.min() >= 0 and 255 < grey.max() < 65_536):
        grey = grey / 257
    elif grey.min() < 0 or grey.max() > 255:
        grey = (grey - grey.min()) * (255 / max(float(np.ptp(grey)), 1e-30))
    return Image.fromarray(grey.round().clip(0, 255).astype(np.uint8)).convert("RGB")


def _crop(picture):
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def _resize(picture, side: int):
    from PIL import Image

    return picture.resize((side, side), Image.Resampling.LANCZOS if picture.width > side else Image.Resampling.BICUBIC)


def _is_grey(picture) -> bool:
    channels = np.asarray(picture).astype(np.int16)
    return int(np.ptp(channels, axis=2).max()) <= 8  # JPEG and resampling leave a little colour in grey


def _plain(name: str) -> str:
    """The last part of a path, printable and short: it is only ever shown."""
    last = str(name).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return "".join(ch for ch in last if ch.isprintable())[:60] or "file"
