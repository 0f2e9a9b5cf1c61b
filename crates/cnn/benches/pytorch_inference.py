"""Pictures of 224 x 224 classified by networks of the ImageNet line in PyTorch and in onnxruntime: milliseconds for a batch.

    pip install torch torchvision onnx onnxruntime
    python pytorch_inference.py [--threads 2] [--batch 1 16] [--rounds 15] [--networks resnet18 alexnet vgg16 mobilenet_v2] [--only torch|ort]

`inference.rs` beside this file measures ours in the same way.
"""

import argparse
import io
import statistics
import time

import torch
import torchvision

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
parser.add_argument("--rounds", type=int, default=15)
parser.add_argument("--networks", nargs="+", default=["resnet18", "alexnet", "vgg16", "mobilenet_v2"])
parser.add_argument("--only", choices=["torch", "ort"])
options = parser.parse_args()
torch.set_num_threads(options.threads)


def report(what, name, batch, run):
    run()
    times = []
    for _ in range(options.rounds):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    print(f"{name:<14} batch {batch:>2}  best {min(times):8.1f} ms  median {statistics.median(times):8.1f} ms  {what}", flush=True)


for name in options.networks:
    model = getattr(torchvision.models, name)(weights=None).eval()
    for batch in options.batch:
        pictures = torch.ones(batch, 3, 224, 224)
        if options.only != "ort":
            with torch.inference_mode():
                report("PyTorch", name, batch, lambda: model(pictures))
        if options.only != "torch":
            import onnxruntime
            file = io.BytesIO()
            torch.onnx.export(model, (pictures,), file, dynamo=False)
            settings = onnxruntime.SessionOptions()
            settings.intra_op_num_threads = options.threads
            session = onnxruntime.InferenceSession(file.getvalue(), settings, providers=["CPUExecutionProvider"])
            feed = {session.get_inputs()[0].name: pictures.numpy()}
            report("onnxruntime", name, batch, lambda: session.run(None, feed))
