"""Makes tests/data/pictures/*: small pictures of every kind, and pictures.json with what Pillow reads from them.

Run by hand when a picture is added: python make_pictures.py (Pillow and NumPy). The tests need only its output.
"""
import json
import pathlib

import numpy as np
from PIL import Image, ImageOps

out = pathlib.Path(__file__).parent / "pictures"
out.mkdir(exist_ok=True)
rng = np.random.default_rng(1)
y, x = np.mgrid[0:16, 0:24]
# Smooth (JPEG keeps it) and without symmetry (every orientation differs).
colour = np.stack([x * 10, y * 15, 255 - x * 5 - y * 8], -1).clip(0, 255).astype(np.uint8)
grey = colour[..., 0] // 2 + colour[..., 1] // 2
alpha = (x * 11).clip(0, 255).astype(np.uint8)
noise = rng.integers(0, 256, (7, 5, 3), dtype=np.uint8)
expected = {}


def note(name, picture):
    """What our reader should give: over white, grey or RGB, upright."""
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("LA", "RGBA", "PA") or "transparency" in picture.info:
        rgba = np.asarray(picture.convert("RGBA")).astype(np.int64)
        a = rgba[..., 3:]
        flat = (rgba[..., :3] * a + 255 * (255 - a) + 127) // 255
        pixels = flat.astype(np.uint8)
        if picture.mode == "LA":
            pixels = pixels[..., 0]
    elif picture.mode in ("L", "1"):
        pixels = np.asarray(picture.convert("L"))
    else:
        pixels = np.asarray(picture.convert("RGB"))
    height, width = pixels.shape[:2]
    expected[name] = dict(width=width, height=height, channels=1 if pixels.ndim == 2 else 3,
                          pixels=pixels.reshape(-1).tolist())


def save(name, picture, **options):
    picture.save(out / name, **options)
    note(name, Image.open(out / name))


save("rgb.png", Image.fromarray(noise))
save("grey.png", Image.fromarray(noise[..., 0]))
save("grey1.png", Image.fromarray(noise[..., 0]).convert("1"))
save("palette.png", Image.fromarray(noise).quantize(16))
save("palette_alpha.png", Image.fromarray(noise).quantize(8), transparency=3)
save("grey_alpha.png", Image.fromarray(np.stack([grey, alpha], -1), "LA"))
save("rgb_alpha.png", Image.fromarray(np.concatenate([colour, alpha[..., None]], -1), "RGBA"))
# Pillow clips 16-bit grey instead of scaling it, so the numbers come from the definition: round(v * 255 / 65535).
deep = (rng.integers(0, 65536, (6, 9))).astype(np.uint16)
Image.fromarray(deep).save(out / "grey16.png")
expected["grey16.png"] = dict(width=9, height=6, channels=1,
                              pixels=np.round(deep.reshape(-1).astype(float) * 255 / 65535).astype(int).tolist())
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(f"orientation{orientation}.jpg", Image.fromarray(colour), quality=95, subsampling=0, exif=exif)
save("grey.jpg", Image.fromarray(grey), quality=90)
save("progressive.jpg", Image.fromarray(colour), quality=90, progressive=True)
save("cmyk.jpg", Image.fromarray(colour).convert("CMYK"), quality=95)
exif = Image.Exif()
exif[0x0112] = 6
save("orientation6.png", Image.fromarray(noise), exif=exif)

# Resizing: Pillow's BILINEAR has the same triangle filter.
source = Image.fromarray(rng.integers(0, 256, (13, 17), dtype=np.uint8))
resized = {"width": 17, "height": 13, "pixels": np.asarray(source).reshape(-1).tolist(), "sizes": []}
for width, height in [(8, 8), (28, 28), (5, 20), (17, 1)]:
    pixels = np.asarray(source.resize((width, height), Image.BILINEAR)).reshape(-1).tolist()
    resized["sizes"].append({"width": width, "height": height, "pixels": pixels})
(out / "pictures.json").write_text(json.dumps({"decoded": expected, "resized": resized}, separators=(",", ":")) + "\n")
