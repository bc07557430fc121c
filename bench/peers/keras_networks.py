"""Speed of Keras on TensorFlow with the networks of src/model on ready-made images: what is left of the work when
histograms cost nothing. Prints JSON: pairs per second.

    python keras_networks.py predict|train cnnc|compact THREADS SECONDS
"""
import json
import os
import sys
import time

task, architecture, threads, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import keras  # noqa: E402
from keras import layers  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(1)


def cnnc():
    stack = [keras.Input((32, 32, 1))]
    for filters in (32, 64, 128):
        for padding in ("same", "valid"):
            stack.append(layers.Conv2D(filters, 3, padding=padding, activation="relu"))
        stack += [layers.MaxPooling2D(2), layers.Dropout(0.25)]
    stack += [layers.Flatten(), layers.Dense(512, activation="relu"), layers.Dropout(0.5)]
    return stack


def compact():
    stack = [keras.Input((32, 32, 2))]
    for filters in (16, 32, 64):
        stack += [
            layers.Conv2D(filters, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9, epsilon=1e-3),
            layers.ReLU(),
            layers.AveragePooling2D(2),
        ]
    stack += [layers.Flatten(), layers.Dropout(0.3), layers.Dense(64, activation="relu"), layers.Dropout(0.3)]
    return stack


model = keras.Sequential({"cnnc": cnnc, "compact": compact}[architecture]() + [layers.Dense(1, activation="sigmoid")])
model.compile(
    optimizer=keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True), loss="binary_crossentropy", jit_compile=False
)
random = np.random.default_rng(1)


def rate(run, count):
    """Pairs per second of run(), which does `count`, after warming up."""
    run()
    done = 0
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        run()
        done += count
    return done / (time.perf_counter() - start)


best = (0, 0)
if task == "predict":
    images = random.random((4096, *model.input_shape[1:]), dtype=np.float32)
    for batch in (128, 512, 1024):
        best = max(best, (rate(lambda: model.predict(images, batch_size=batch, verbose=0), len(images)), batch))
else:
    for batch in (128, 512):
        images = random.random((batch, *model.input_shape[1:]), dtype=np.float32)
        labels = random.integers(0, 2, (batch, 1)).astype(np.float32)
        best = max(best, (rate(lambda: model.train_on_batch(images, labels), batch), batch))
print(json.dumps({"rate": best[0], "batch": best[1], "version": tf.__version__}))
