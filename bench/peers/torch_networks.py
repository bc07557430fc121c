"""Speed of PyTorch with the published network on ready-made images. Prints JSON: pairs per second.

    python torch_networks.py predict|train THREADS SECONDS
"""
import json
import sys
import time

import torch
from torch import nn

from torch_models import cnnc

task, threads, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
torch.set_num_threads(threads)


model = cnnc().to(memory_format=torch.channels_last)
torch.manual_seed(1)


def rate(run, count):
    run()
    done = 0
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        run()
        done += count
    return done / (time.perf_counter() - start)


best = (0, 0)
for batch in (128, 512):
    images = torch.rand(batch, 1, 32, 32).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 2, (batch, 1)).float()
    if task == "predict":
        model.eval()

        def run():
            with torch.inference_mode():
                torch.sigmoid(model(images))

    else:
        model.train()
        optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, nesterov=True)

        def run():
            optimizer.zero_grad(set_to_none=True)
            nn.functional.binary_cross_entropy_with_logits(model(images), labels).backward()
            optimizer.step()

    best = max(best, (rate(run, batch), batch))
print(json.dumps({"rate": best[0], "batch": best[1], "version": torch.__version__}))
