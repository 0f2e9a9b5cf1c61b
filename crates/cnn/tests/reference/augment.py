"""Writes augment.json: placements by scipy.ndimage and torchvision, colour changes by torchvision.

    python augment.py               (scipy 1.17.1 and torchvision 0.29.2 made the stored numbers)

A placement is composed forwards, as 3 x 3 matrices, and inverted numerically.
"""

import json
import math
import pathlib

import numpy as np
import scipy.ndimage
import torch
import torchvision.transforms.functional as F
from torchvision.transforms import InterpolationMode

CHANNELS, HEIGHT, WIDTH = 3, 7, 9
PLACEMENTS = [  # scale, degrees, right, down, mirror
    (1.0, 0.0, 2, -1, False),
    (1.0, 0.0, -3, 2, True),
    (1.0, 10.0, 0, 0, False),
    (1.0, -35.0, 1, 0, False),
    (1.25, 0.0, 0, 0, False),
    (0.7, 0.0, 0, 1, True),
    (0.9, 20.0, 1, -2, False),
    (1.1, -160.0, -1, 1, True),
]


def picture():
    i = np.arange(CHANNELS * HEIGHT * WIDTH)
    return ((i * 37 % 101) / 100).reshape(CHANNELS, HEIGHT, WIDTH).astype(np.float32)


def matrix(scale, degrees, right, down, mirror):
    """From places in the source to places in the result, both (x, y, 1)."""
    cx, cy = (WIDTH - 1) / 2, (HEIGHT - 1) / 2
    t = math.radians(degrees)
    to_centre = np.array([[1, 0, -cx], [0, 1, -cy], [0, 0, 1]])
    # Against the clock as seen, with y pointing down.
    turn = np.array([[scale * math.cos(t), scale * math.sin(t), 0], [-scale * math.sin(t), scale * math.cos(t), 0], [0, 0, 1]])
    move = np.array([[1, 0, right], [0, 1, down], [0, 0, 1]])
    flip = np.array([[-1, 0, WIDTH - 1], [0, 1, 0], [0, 0, 1]]) if mirror else np.eye(3)
    return flip @ move @ np.linalg.inv(to_centre) @ turn @ to_centre


def by_scipy(image, placement, mode):
    inverse = np.linalg.inv(matrix(*placement))
    swap = [1, 0]  # scipy counts (y, x)
    linear, offset = inverse[:2, :2][np.ix_(swap, swap)], inverse[:2, 2][swap]
    planes = [scipy.ndimage.affine_transform(p.astype(np.float64), linear, offset, order=1, mode=mode) for p in image]
    return np.stack(planes)


def by_torchvision(image, scale, degrees, right, down, mirror):
    moved = F.affine(torch.from_numpy(image), -degrees, [right, down], scale, [0.0], InterpolationMode.BILINEAR, None)
    return (F.hflip(moved) if mirror else moved).numpy()


def main():
    image = picture()
    placements = []
    for placement in PLACEMENTS:
        zero = by_scipy(image, placement, "grid-constant")
        print(placement, "largest difference of scipy and torchvision", abs(zero - by_torchvision(image, *placement)).max())
        placements.append({"placement": placement, "zero": zero.round(7).flatten().tolist(),
                           "reflect": by_scipy(image, placement, "mirror").round(7).flatten().tolist()})
    # torchvision takes an image's factor; ours draws it, from the widest setting down to none.
    tensor = torch.from_numpy(image)
    colour = {name: {str(f): change(tensor, f).flatten().tolist() for f in (0.25, 0.8, 1.7)}
              for name, change in [("brightness", F.adjust_brightness), ("contrast", F.adjust_contrast)]}
    out = {"placements": placements, "colour": colour}
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")


main()
