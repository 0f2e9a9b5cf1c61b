"""TensorBoard's own view of crates/core/src/train/tensorboard.rs. Needs the tensorboard package.

Without an argument: prints the bytes stored in the unit test, made by TensorBoard's protobuf classes and record writer.
With a run directory: reads its event files as TensorBoard does and compares them with its metrics.jsonl. A directory with
a resume in it is made by `cargo run --release -p ognivo-core --example report -- DIR`.
"""

import io
import json
import pathlib
import sys

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


def framed(event):
    buffer = io.BytesIO()
    RecordWriter(buffer).write(event.SerializeToString())
    return buffer.getvalue().hex()


def stored_bytes():
    time = 1_700_000_000.25
    print("FILE_VERSION", framed(Event(wall_time=time, file_version="brain.Event:2")))
    print("SESSION_START", framed(Event(wall_time=time, step=301, session_log=SessionLog(status=SessionLog.START))))
    value = Summary.Value
    loss = [value(tag="train/loss", simple_value=0.1), value(tag="é", simple_value=float("inf"))]
    print("SCALARS", framed(Event(wall_time=time, step=300, summary=Summary(value=loss))))
    image = Summary.Image(height=3, width=2, colorspace=1, encoded_image_string=b"not really png")
    samples = Summary(value=[value(tag="samples", image=image)])
    print("PICTURE", framed(Event(wall_time=time, step=0, summary=samples)))


def compare(run):
    expected = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        step = record.pop("step")
        record.pop("epoch")
        for name, number in record.items():
            expected.setdefault(name, []).append((step, np.float32(number)))
    events = EventAccumulator(str(run), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    assert sorted(events.Tags()["scalars"]) == sorted(expected), (events.Tags(), sorted(expected))
    for name, points in expected.items():
        found = [(scalar.step, np.float32(scalar.value)) for scalar in events.Scalars(name)]
        assert np.array_equal(found, points, equal_nan=True), (name, found, points)
    for tag in events.Tags()["images"]:
        for image in events.Images(tag):
            assert image.encoded_image_string.startswith(b"\x89PNG"), tag
            print(f"image {tag}, step {image.step}: {image.width}x{image.height}")
    print(f"{len(expected)} curves, {sum(map(len, expected.values()))} points: equal")


if len(sys.argv) > 1:
    compare(pathlib.Path(sys.argv[1]))
else:
    stored_bytes()
