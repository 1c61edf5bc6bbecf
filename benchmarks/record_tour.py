"""The recorded run that a visitor sees while waiting: train the first preset through the app and keep about a hundred pictures.

python -m benchmarks.record_tour            # writes assets/recordings/gan.bin
"""

import json
import struct
import time
from pathlib import Path

import httpx

from tests.browser.conftest import App

KEEP = 110  # pictures
OUT = Path("assets/recordings/gan.bin")


def split(pull: bytes) -> tuple[dict, bytes]:
    """Header and body of a pull: u32 length | JSON | zeros to a multiple of 8 | frames."""
    (length,) = struct.unpack_from("<I", pull)
    return json.loads(pull[4 : 4 + length]), pull[(4 + length + 7) // 8 * 8 :]


def thin(header: dict, body: bytes) -> bytes:
    """The same pull with the backdrop and KEEP frames, closer together early on, where more happens."""
    steps = [f["s"] for f in header["frames"] if not f["backdrop"]]
    wanted = {min(steps, key=lambda s: abs(s - steps[-1] * (i / (KEEP - 1)) ** 2)) for i in range(KEEP)}
    frames, chunks, offset = [], [], 0
    for f in header["frames"]:
        if f["backdrop"] or f["s"] in wanted:
            chunk = body[f["offset"] : f["offset"] + f["length"]]
            chunk += bytes(-len(chunk) % 8)
            frames.append(f | {"offset": offset})
            chunks.append(chunk)
            offset += len(chunk)
    text = json.dumps(header | {"frames": frames, "rows": [], "events": []}).encode()
    return struct.pack("<I", len(text)) + text + bytes(-(4 + len(text)) % 8) + b"".join(chunks)


def main() -> None:
    app = App()
    try:
        with httpx.Client(base_url=app.url + "play/", timeout=30) as client:
            client.headers["X-Session"] = client.post("open", json={"family": "gan", "token": None}).json()["token"]
            config = client.post("resolve", json={"family": "gan", "settings": {"dataset": "ring8"}}).json()["config"]
            client.post("act", json={"do": "train", "settings": config}).raise_for_status()
            since, state = 0, "starting"
            while state in ("starting", "running", "waiting"):
                header, _ = split(client.get("pull", params={"since": since, "wait": 10}).content)
                since, state = header["seq"], header["state"]
                time.sleep(0.2)
            pull = client.get("pull", params={"since": 0, "history": 1, "wait": 0}).content
    finally:
        app.stop()
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(thin(*split(pull)))
    print(f"{OUT}: {OUT.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
