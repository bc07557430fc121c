"""Speed of PyTorch on a GPU, with images that are ready on the device: the best of batch sizes, of fp16 and bf16, and
of CUDA graphs and torch.compile. Prints images per second of scoring, and training steps in float32 with TF32.

    python torch_gpu.py [SECONDS]
"""
import sys
import time

import torch
from torch import nn

from torch_models import cnnc, compact

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 1.5
torch.backends.cuda.matmul.allow_tf32 = True
torch.backends.cudnn.allow_tf32 = True
torch.backends.cudnn.benchmark = True


NETWORKS = {"cnnc": (cnnc, 1), "compact": (compact, 2)}


def rate(run, count):
    for _ in range(3):
        run()
    torch.cuda.synchronize()
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        for _ in range(10):
            run()
        torch.cuda.synchronize()
        done += 10 * count
    return done / (time.perf_counter() - start)


def graph_of(run):
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def folded(make, dtype):
    model = make().eval().cuda()
    layers = []
    for layer in model:
        if isinstance(layer, nn.BatchNorm2d):
            layers[-1] = torch.nn.utils.fusion.fuse_conv_bn_eval(layers[-1], layer)
        elif not isinstance(layer, nn.Dropout):
            layers.append(layer)
    return nn.Sequential(*layers, nn.Sigmoid()).to(dtype).to(memory_format=torch.channels_last)


def scoring(name):
    make, channels = NETWORKS[name]
    best = (0.0, "")
    for dtype in (torch.float16, torch.bfloat16):
        for batch in (1024, 8192):
            model = folded(make, dtype)
            images = torch.rand(batch, channels, 32, 32, device="cuda", dtype=dtype).to(memory_format=torch.channels_last)
            with torch.inference_mode():
                ways = {"CUDA graph": lambda: graph_of(lambda: model(images))}
                if batch == 8192:
                    compiled = torch.compile(model)
                    ways["torch.compile"] = lambda: (lambda: compiled(images))
                for way, ready in ways.items():
                    try:
                        run = ready()
                        best = max(best, (rate(run, batch), f"{dtype}, batch {batch}, {way}"))
                    except Exception as error:  # one way less
                        print(f"PyTorch, {name}, {way}: {type(error).__name__}", file=sys.stderr)
    return best


def training(name, batch):
    make, channels = NETWORKS[name]
    best = (0.0, "")
    images = torch.rand(batch, channels, 32, 32, device="cuda").to(memory_format=torch.channels_last)
    labels = torch.randint(0, 2, (batch, 1), device="cuda").float()
    for way in ("eager", "torch.compile"):
        model = make().cuda().to(memory_format=torch.channels_last).train()
        optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, nesterov=True, fused=True)
        called = torch.compile(model) if way == "torch.compile" else model

        def run():
            optimizer.zero_grad(set_to_none=True)
            nn.functional.binary_cross_entropy_with_logits(called(images), labels).backward()
            optimizer.step()

        try:
            best = max(best, (rate(run, batch), way))
        except Exception as error:
            print(f"PyTorch, training {name}, {way}: {type(error).__name__}", file=sys.stderr)
    return best


if not torch.cuda.is_available():
    print("PyTorch sees no GPU")
    sys.exit(0)
print(f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}; images ready on the device")
for name in NETWORKS:
    images, how = scoring(name)
    print(f"scoring   {name:8} {images:14,.0f} images/s  ({how})", flush=True)
for name in NETWORKS:
    for batch in (128, 1024):
        images, how = training(name, batch)
        print(f"training  {name:8} {images:14,.0f} images/s  (TF32, batch {batch}, {how})", flush=True)
