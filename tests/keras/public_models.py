"""Models as people publish them: what an import has to take as it comes. Each is small."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from keras import layers, ops

Make = Callable[[], keras.Model]
MODELS: dict[str, Make] = {}


def model(make: Make) -> Make:
    MODELS[make.__name__] = make
    return make


@model
def transformer() -> keras.Model:
    """A text classifier with self-attention, as in the guides."""
    tokens = keras.Input((12,), dtype="int32", name="tokens")
    x = layers.Embedding(50, 16, mask_zero=True)(tokens)
    x = x + layers.Embedding(12, 16, name="places")(ops.cumsum(ops.ones_like(tokens), axis=1) - 1)
    for index in range(2):
        attended = layers.MultiHeadAttention(2, 8, dropout=0.1, name=f"attention_{index}")(
            x, x, use_causal_mask=True
        )
        x = layers.LayerNormalization(epsilon=1e-6)(x + layers.Dropout(0.1)(attended))
        feed = keras.Sequential([layers.Dense(32, activation="gelu"), layers.Dense(16)], name=f"feed_{index}")
        x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, feed(x)]))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(tokens, layers.Dense(3, activation="softmax")(x), name="transformer")


@model
def cross_attention() -> keras.Model:
    query, context = keras.Input((4, 8), name="query"), keras.Input((6, 8), name="context")
    mask = keras.Input((4, 6), dtype="bool", name="mask")
    attend = layers.MultiHeadAttention(2, 4, kernel_regularizer=keras.regularizers.L2(1e-4))
    x, scores = attend(query, context, key=context, attention_mask=mask, return_attention_scores=True)
    simple = layers.Attention(use_scale=True)([query, context])
    return keras.Model([query, context, mask], [x, scores, simple])


@model
def u_net() -> keras.Model:
    image = keras.Input((32, 32, 3))
    x, skips = image, []
    for filters in (4, 8):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        skips.append(x)
        x = layers.MaxPooling2D((2, 2), strides=(2, 2))(x)
    x = layers.SeparableConv2D(16, 3, padding="same", activation=layers.LeakyReLU(negative_slope=0.1))(x)
    for filters, skip in zip((8, 4), reversed(skips), strict=True):
        x = layers.Conv2DTranspose(filters, 2, strides=2, padding="same")(x)
        x = layers.concatenate([x, skip])
        x = layers.Conv2D(filters, (3, 3), padding="same", activation="relu")(x)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid", dtype="float32")(x))


@model
def siamese() -> keras.Model:
    """One embedding, called on two images; the distance is made of operations."""
    image = keras.Input((16, 16, 1))
    x = layers.Conv2D(4, 3, activation="tanh")(image)
    x = layers.AveragePooling2D(2)(x)
    embedding = keras.Model(image, layers.Dense(5)(layers.Flatten()(x)), name="embedding")
    left, right = keras.Input((16, 16, 1), name="left"), keras.Input((16, 16, 1), name="right")
    distance = embedding(left) - embedding(right)
    distance = ops.sqrt(ops.maximum(ops.sum(ops.square(distance), axis=1, keepdims=True), 1e-7))
    return keras.Model([left, right], layers.Dense(1, activation="sigmoid")(distance), name="siamese")


@model
def seq2seq() -> keras.Model:
    source, target = keras.Input((None, 7), name="source"), keras.Input((None, 9), name="target")
    _, *states = layers.LSTM(6, return_state=True)(source)
    decoded, _, _ = layers.LSTM(6, return_sequences=True, return_state=True)(target, initial_state=states)
    both = layers.Bidirectional(layers.GRU(4, return_sequences=True), merge_mode="sum")(decoded)
    return keras.Model([source, target], layers.TimeDistributed(layers.Dense(9, activation="softmax"))(both))


@model
def autoencoder() -> keras.Model:
    """An encoder and a decoder that are models, both called; the decoder is called twice."""
    image = keras.Input((8, 8, 1))
    encoder = keras.Model(image, layers.Dense(4)(layers.Flatten()(image)), name="encoder")
    code = keras.Input((4,))
    x = layers.Reshape((2, 2, 1))(code)
    decoder = keras.Model(code, layers.UpSampling2D(4, interpolation="bilinear")(x), name="decoder")
    picture, other = keras.Input((8, 8, 1), name="picture"), keras.Input((4,), name="other")
    return keras.Model([picture, other], [decoder(encoder(picture)), decoder(other)], name="autoencoder")


@model
def structured() -> keras.Model:
    """Inputs and outputs in mappings, adapted preprocessing, and a loss for each output."""
    inputs = {
        "age": keras.Input((1,), name="age_in"),
        "job": keras.Input((1,), dtype="string", name="job_in"),
        "code": keras.Input((1,), dtype="int64", name="code_in"),
    }
    age = layers.Normalization(axis=None)
    age.adapt(np.array([[20.0], [30.0], [61.0]]))
    job = layers.StringLookup(output_mode="one_hot")
    job.adapt(np.array(["cook", "clerk", "cook"]))
    code = layers.IntegerLookup(vocabulary=[7, 3, 5], output_mode="int")
    embedded = layers.Flatten()(layers.Embedding(5, 3)(code(inputs["code"])))
    features = layers.Concatenate()([age(inputs["age"]), job(inputs["job"]), embedded])
    x = layers.Dense(8, activation="relu", kernel_constraint=keras.constraints.MaxNorm(2))(features)
    outputs = {"wage": layers.Dense(1, name="wage_out")(x), "kind": layers.Dense(3, name="kind_out")(x)}
    made = keras.Model(inputs, outputs, name="structured")
    made.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.01, 100, 0.9)),
        loss={"wage": "mse", "kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True)},
        loss_weights={"wage": 0.25, "kind": 1.0},
        metrics={"kind": ["accuracy"]},
    )
    return made


@model
def text() -> keras.Model:
    words = keras.Input((1,), dtype="string", name="words")
    vectorize = layers.TextVectorization(max_tokens=20, output_sequence_length=6)
    vectorize.adapt(np.array(["the cat sat", "the dog ran far"]))
    x = layers.Embedding(20, 4)(vectorize(words))
    x = layers.Bidirectional(layers.LSTM(3))(x)
    return keras.Model(words, layers.Dense(1, activation="sigmoid")(x))


@model
def transfer() -> keras.Model:
    """A frozen application in inference mode between augmentation and a head of its own."""
    augment = keras.Sequential(
        [layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)], name="augmentation"
    )
    base = keras.applications.MobileNet(
        weights=None, include_top=False, input_shape=(32, 32, 3), alpha=0.25, pooling="avg"
    )
    base.trainable = False
    image = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(augment(image))
    x = layers.Dropout(0.2)(base(x, training=False))
    made = keras.Model(image, layers.Dense(2)(x))
    made.compile(
        keras.optimizers.Adam(1e-4), keras.losses.BinaryCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    return made


@model
def sequential() -> keras.Model:
    made = keras.Sequential(name="plain")
    made.add(layers.Conv1D(4, 3, activation="relu", kernel_regularizer="l2"))
    made.add(layers.MaxPooling1D(2))
    made.add(keras.Sequential([layers.Flatten(), layers.Dense(4)], name="inner"))
    made.add(layers.Activation("softmax"))
    made.build((None, 10, 2))
    made.compile(
        "sgd", "categorical_crossentropy", metrics=["acc", keras.metrics.TopKCategoricalAccuracy(k=2)]
    )
    return made


@model
def operations() -> keras.Model:
    """What people do to tensors between layers."""
    a, b = keras.Input((4, 6), name="a"), keras.Input((4, 6), name="b")
    x = 1.0 - a * 2 / (ops.abs(b) + 1) + (-a) ** 2
    first, last, rows = a[:, 0], b[:, -1, :], a[:, 1:3]
    every, new = a[..., ::2], last[:, None]
    parts = ops.split(x, 2, axis=-1)
    joined = ops.concatenate([parts[0], ops.flip(parts[1], axis=1)], axis=1)
    stacked = ops.stack([first, last], axis=1)
    product = a @ ops.transpose(b, (0, 2, 1))
    chosen = ops.where(a > b, a, ops.zeros_like(b))
    taken = ops.take(ops.cast(chosen, "float32"), [0, 2], axis=2)
    scaled = ops.softmax(ops.expand_dims(ops.mean(a, axis=(1, 2)), -1)) * np.arange(1, 4, dtype="float32")
    top = ops.top_k(last, k=2)[0]
    return keras.Model([a, b], [x, rows, every, new, joined, stacked, product, taken, scaled, top])


@model
def named_oddly() -> keras.Model:
    """Names that no document can have, a tensor that is returned twice, and one layer called three times."""
    x = keras.Input((3,), name="my input")
    dense = layers.Dense(3, name="dense (shared)")
    y = dense(dense(dense(x)))
    z = layers.Dense(2, name="größe")(y)
    inner_in = keras.Input((2,))
    inner = keras.Model(inner_in, layers.Dense(2, name="dense")(inner_in), name="in ner")
    return keras.Model(x, [y, inner(z), inner(z + 1), y], name="an odd model")


@model
def frozen_in_part() -> keras.Model:
    x = keras.Input((4,))
    first, second = layers.Dense(4, name="first"), layers.BatchNormalization(name="second")
    first.trainable = False
    y = second(first(x), training=False)
    return keras.Model(x, layers.Dense(2, trainable=False, dtype="float16")(y))


@model
def recurrent() -> keras.Model:
    x = keras.Input((5, 4))
    cells = [layers.LSTMCell(3), layers.GRUCell(2, reset_after=False)]
    y = layers.RNN(layers.StackedRNNCells(cells), return_sequences=True)(x)
    y = layers.Bidirectional(
        layers.LSTM(3, return_sequences=True),
        backward_layer=layers.GRU(3, return_sequences=True, go_backwards=True),
    )(y)
    z = layers.LSTM(2)(y, mask=ops.any(x > 0, axis=-1))
    frames = keras.Input((3, 8, 8, 1))
    w = layers.ConvLSTM2D(2, 3)(layers.TimeDistributed(layers.Conv2D(2, 2))(frames))
    return keras.Model([x, frames], [z, layers.GlobalMaxPooling2D()(w)])


@model
def deeply_nested() -> keras.Model:
    def around(inner: keras.Model, name: str) -> keras.Model:
        x = keras.Input((3,))
        return keras.Model(x, inner(inner(x)) + x, name=name)

    core = keras.Sequential([keras.Input((3,)), layers.Dense(3, activation="tanh")], name="core")
    return around(around(around(core, "one"), "two"), "three")


@model
def wrapped() -> keras.Model:
    image = keras.Input((8, 8, 3))
    x = layers.SpectralNormalization(layers.Conv2D(4, 3, padding="same"))(image)
    x = layers.GroupNormalization(2)(x)
    x = layers.PReLU(shared_axes=[1, 2])(x)
    x = layers.ZeroPadding2D(((0, 1), (2, 1)))(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, dilation_rate=(2, 2))(x)
    x = layers.Conv2D(
        4,
        (1, 3),
        kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out", seed=3),
        bias_initializer=keras.initializers.Constant(0.5),
        activity_regularizer=keras.regularizers.L1L2(1e-5, 1e-4),
    )(x)
    x = layers.Dense(4, activation=keras.activations.hard_silu)(x)
    return keras.Model(image, layers.Permute((3, 1, 2))(x))


@model
def video() -> keras.Model:
    """A convolutional network for each frame, then a recurrent one over them."""
    frame = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(frame)
    x = layers.Add()([x, layers.BatchNormalization()(layers.Conv2D(4, 1)(frame))])
    x = layers.Concatenate()([x, frame])
    head = keras.Sequential([layers.Flatten(), layers.Dense(5)], name="head")
    frames = keras.Input((None, 8, 8, 3), name="frames")
    features = layers.TimeDistributed(keras.Model(frame, head(x), name="cnn"), name="each frame")(frames)
    return keras.Model(frames, layers.Dense(2)(layers.LSTM(4)(features)))


@model
def with_einsum() -> keras.Model:
    """Attention by hand."""
    query, key = keras.Input((5, 2, 3), name="query"), keras.Input((7, 2, 3), name="key")
    weights = keras.Input((3, 4), name="weights")
    scores = ops.softmax(ops.einsum("bqhd,bkhd->bhqk", query, key))
    return keras.Model(
        [query, key, weights],
        [ops.einsum("bhqk,bkhd->bqhd", scores, key), ops.einsum("bijc,bcd->bdij", query, weights)],
    )


@model
def shared_core() -> keras.Model:
    """A model that two others call, one with mappings for its inputs and outputs."""
    x = keras.Input((4,))
    core = keras.Model(x, layers.Dense(4, activation="tanh")(x), name="core")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    pair = keras.Model({"a": a, "b": b}, {"sum": core(a) + b, "less": a - b}, name="pair")
    y = keras.Input((4,))
    around = keras.Model(y, core(y) * 0.5, name="around")
    p, q = keras.Input((4,), name="p"), keras.Input((4,), name="q")
    both = pair({"b": q, "a": around(p)})
    return keras.Model([p, q], [both["less"], both["sum"]])
