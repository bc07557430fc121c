"""The networks of cnnc in PyTorch, before their sigmoid."""
from torch import nn


def cnnc():
    stack, channels = [], 1
    for filters in (32, 64, 128):
        for padding in (1, 0):
            stack += [nn.Conv2d(channels, filters, 3, padding=padding), nn.ReLU()]
            channels = filters
        stack += [nn.MaxPool2d(2), nn.Dropout(0.25)]
    return nn.Sequential(*stack, nn.Flatten(), nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 1))


def compact():
    stack, channels = [], 2
    for filters in (16, 32, 64):
        stack += [nn.Conv2d(channels, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU(), nn.AvgPool2d(2)]
        channels = filters
    return nn.Sequential(
        *stack, nn.Flatten(), nn.Dropout(0.3), nn.Linear(1024, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 1)
    )
