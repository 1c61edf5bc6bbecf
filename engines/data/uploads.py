"""Pictures that a visitor sends, made into one small array. Everything is checked before it is decoded: a few kilobytes of PNG can
claim gigabytes of pixels, and a zip archive can hide the same. No torch here."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Iterator

import numpy as np

MAX_FILES = 500
MAX_PIXELS = 16_000_000  # of one image
MAX_TOTAL_PIXELS = 64_000_000  # of all together: about four seconds of decoding
MAX_FILE_BYTES = 8_000_000
MAX_TOTAL_BYTES = 64_000_000  # of all files, unpacked
MAX_MEMBERS = 2_000  # of an archive, folders and all
MAX_RATIO = 50  # unpacked over packed; pictures are compressed already, so an honest archive stays near 1
MIN_IMAGES = 8
COLOUR_SIDE, GREY_SIDE = 32, 28
FORMATS = ("PNG", "JPEG", "WEBP")


def decode_uploads(files: list[tuple[str, bytes]]) -> np.ndarray:
    """Named files, pictures or zip archives of them -> (n, 3, 32, 32) uint8, or (n, 1, 28, 28) if every picture is grey. Each is
    cropped to its central square and put on white where transparent. ValueError names the file and the limit it breaks."""
    members, total = list(_members(files)), 0
    for name, data in members:  # all headers before the first decoding
        width, height = _size(name, data)
        total += width * height
        if total > MAX_TOTAL_PIXELS:
            raise ValueError(f"{name}: the pictures together exceed {MAX_TOTAL_PIXELS:,} pixels")
    if len(members) < MIN_IMAGES:
        raise ValueError(f"{len(members)} pictures are too few; at least {MIN_IMAGES} are needed")
    pictures = [_decode(name, data) for name, data in members]  # (32, 32, 3) each
    if not all(_is_grey(p) for p in pictures):
        return np.stack([np.asarray(p) for p in pictures]).transpose(0, 3, 1, 2).copy()
    return np.stack([np.asarray(_resize(p.convert("L"), GREY_SIDE)) for p in pictures])[:, None]


def _members(files: list[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Every file to decode, archives opened, with the limits on number and size applied."""
    count = size = 0
    for outer, data in files:
        outer = _plain(outer)
        for name, content in _unzip(outer, data) if data[:4] == b"PK\x03\x04" else [(outer, data)]:
            count, size = count + 1, size + len(content)
            if count > MAX_FILES:
                raise ValueError(f"{name}: more than {MAX_FILES} pictures")
            if len(content) > MAX_FILE_BYTES:
                raise ValueError(f"{name}: larger than {MAX_FILE_BYTES:,} bytes")
            if size > MAX_TOTAL_BYTES:
                raise ValueError(f"{name}: the files together exceed {MAX_TOTAL_BYTES:,} bytes")
            yield name, content


def _unzip(outer: str, data: bytes) -> Iterator[tuple[str, bytes]]:
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
        yield name, _read(archive, member, f"{outer}/{name}")


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bytes:
    """One member, never unpacking more than the limit whatever its header claims."""
    if member.flag_bits & 1:
        raise ValueError(f"{name}: encrypted")
    if member.file_size > MAX_RATIO * max(member.compress_size, 1) and member.file_size > 10_000:
        raise ValueError(f"{name}: unpacks to more than {MAX_RATIO} times its size")
    try:
        with archive.open(member) as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, RuntimeError, ValueError) as error:
        raise ValueError(f"{name}: damaged zip archive") from error
    except Exception as error:  # zlib.error, lzma.LZMAError: no common base
        raise ValueError(f"{name}: damaged zip archive") from error
    if content[:2] == b"PK":
        raise ValueError(f"{name}: an archive inside an archive")
    return content


def _size(name: str, data: bytes) -> tuple[int, int]:
    """Width and height as the header states them, before any decoder allocates for them."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
    elif data[:3] == b"\xff\xd8\xff":
        width, height = _jpeg_size(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) >= 30:
        width, height = _webp_size(data)
    else:
        raise ValueError(f"{name}: not a PNG, JPEG or WebP picture")
    if width < 1 or height < 1:
        raise ValueError(f"{name}: damaged picture")
    if width * height > MAX_PIXELS:
        raise ValueError(f"{name}: {width:,}×{height:,} is more than {MAX_PIXELS:,} pixels")
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


def _decode(name: str, data: bytes):
    """The central square on white, 32x32 RGB, as a Pillow image. The first frame of an animation."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(data), formats=FORMATS)
            if opened.width * opened.height > MAX_PIXELS:
                raise ValueError("size differs from header")
            opened.draft("RGB", (2 * COLOUR_SIDE, 2 * COLOUR_SIDE))  # JPEG decodes straight to a smaller size
            opened.load()
        picture = _crop(opened)
        if picture.mode.startswith("I"):  # 16 bits of grey
            picture = Image.fromarray((np.asarray(picture) >> 8).clip(0, 255).astype(np.uint8))
        picture = _resize(picture.convert("RGBA") if picture.mode != "RGB" else picture, COLOUR_SIDE)
        picture = ImageOps.exif_transpose(picture)
        if picture.mode == "RGBA":
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
        return picture.convert("RGB")
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, ...
        raise ValueError(f"{name}: damaged picture") from error


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
