# ruff: noqa: E501 - lines as long as people write them
"""Scripts in the ways in which people write Keras models, each with the name of the model it is about."""

SCRIPTS: dict[str, str] = {}

SCRIPTS["functional guide"] = """
import keras
from keras import layers

inputs = keras.Input(shape=(784,), name="digits")
x = layers.Dense(64, activation="relu", name="dense_1")(inputs)
x = layers.Dense(64, activation="relu", name="dense_2")(x)
outputs = layers.Dense(10, activation="softmax", name="predictions")(x)
model = keras.Model(inputs=inputs, outputs=outputs)
"""

SCRIPTS["toy resnet"] = """
import keras
from keras import layers

inputs = keras.Input(shape=(32, 32, 3), name="img")
x = layers.Conv2D(32, 3, activation="relu")(inputs)
x = layers.Conv2D(64, 3, activation="relu")(x)
block_1_output = layers.MaxPooling2D(3)(x)

x = layers.Conv2D(64, 3, activation="relu", padding="same")(block_1_output)
x = layers.Conv2D(64, 3, activation="relu", padding="same")(x)
block_2_output = layers.add([x, block_1_output])

x = layers.Conv2D(64, 3, activation="relu")(block_2_output)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dropout(0.5)(layers.Dense(256, activation="relu")(x))
outputs = layers.Dense(10)(x)
model = keras.Model(inputs, outputs, name="toy_resnet")
"""

SCRIPTS["nested autoencoder"] = """
import keras
from keras import layers

encoder_input = keras.Input(shape=(28, 28, 1), name="original_img")
x = layers.Conv2D(16, 3, activation="relu")(encoder_input)
x = layers.Conv2D(32, 3, activation="relu")(x)
x = layers.MaxPooling2D(3)(x)
x = layers.Conv2D(32, 3, activation="relu")(x)
encoder_output = layers.GlobalMaxPooling2D()(x)
encoder = keras.Model(encoder_input, encoder_output, name="encoder")

decoder_input = keras.Input(shape=(32,), name="encoded_img")
x = layers.Reshape((4, 4, 2))(decoder_input)
x = layers.Conv2DTranspose(16, 3, activation="relu")(x)
x = layers.UpSampling2D(3)(x)
decoder_output = layers.Conv2DTranspose(1, 3, activation="relu")(x)
decoder = keras.Model(decoder_input, decoder_output, name="decoder")

autoencoder_input = keras.Input(shape=(28, 28, 1), name="img")
encoded_img = encoder(autoencoder_input)
decoded_img = decoder(encoded_img)
model = keras.Model(autoencoder_input, decoded_img, name="autoencoder")
model.compile("adam", "mse")
"""

SCRIPTS["ticket router"] = """
import keras
from keras import layers

num_tags = 12  # Number of unique issue tags
num_words = 10_000
num_departments = 4

title_input = keras.Input(shape=(None,), name="title")
body_input = keras.Input(shape=(None,), name="body")
tags_input = keras.Input(shape=(num_tags,), name="tags")
title_features = layers.Embedding(num_words, 64)(title_input)
body_features = layers.Embedding(num_words, 64)(body_input)
title_features = layers.LSTM(128)(title_features)
body_features = layers.LSTM(32)(body_features)
x = layers.concatenate([title_features, body_features, tags_input])
priority_pred = layers.Dense(1, name="priority")(x)
department_pred = layers.Dense(num_departments, name="department")(x)
model = keras.Model(
    inputs=[title_input, body_input, tags_input],
    outputs={"priority": priority_pred, "department": department_pred},
)
model.compile(
    optimizer=keras.optimizers.RMSprop(1e-3),
    loss={
        "priority": keras.losses.BinaryCrossentropy(from_logits=True),
        "department": keras.losses.CategoricalCrossentropy(from_logits=True),
    },
    loss_weights={"priority": 1.0, "department": 0.2},
)
"""

SCRIPTS["resnet by loops"] = '''
import tensorflow as tf
from tensorflow.keras import layers, Model
from tensorflow.keras.regularizers import l2

DEPTHS = [2, 2, 3]
WEIGHT_DECAY = 1e-4


def conv_bn(x, filters, kernel_size=3, strides=1, activation=True, name=None):
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        kernel_regularizer=l2(WEIGHT_DECAY),
        name=name and f"{name}_conv",
    )(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name + "_bn" if name else None)(x)
    return layers.ReLU()(x) if activation else x


def residual_block(x, filters, strides=1, name="block"):
    shortcut = x
    if strides != 1 or x.shape[-1] != filters:
        shortcut = conv_bn(x, filters, 1, strides, activation=False, name="%s_short" % name)
    y = conv_bn(x, filters, strides=strides, name="{}_1".format(name))
    y = conv_bn(y, filters, activation=False)
    y = layers.Add()([y, shortcut])
    return layers.Activation("relu")(y)


def build_resnet(input_shape=(32, 32, 3), num_classes=10, width=8):
    """A small ResNet."""
    inputs = tf.keras.Input(shape=input_shape)
    x = conv_bn(inputs, width, name="stem")
    for stage, depth in enumerate(DEPTHS):
        for index in range(depth):
            strides = 2 if stage > 0 and index == 0 else 1
            x = residual_block(x, width * 2**stage, strides, name=f"s{stage}b{index}")
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    outputs = layers.Dense(num_classes, activation=tf.keras.activations.softmax)(x)
    return Model(inputs, outputs, name=f"resnet{sum(DEPTHS) * 2 + 2}")


if __name__ == "__main__":
    model = build_resnet(num_classes=100)
    model.summary()
'''

SCRIPTS["u-net by lists"] = """
from keras.models import Model
from keras.layers import *

def double_conv_block(x, n_filters):
    for _ in range(2):
        x = Conv2D(n_filters, 3, padding = "same", activation = "relu", kernel_initializer = "he_normal")(x)
    return x

def downsample_block(x, n_filters):
    f = double_conv_block(x, n_filters)
    p = MaxPool2D(2)(f)
    p = Dropout(0.3)(p)
    return f, p

def upsample_block(x, conv_features, n_filters):
    x = Conv2DTranspose(n_filters, 3, 2, padding="same")(x)
    x = concatenate([x, conv_features])
    x = Dropout(0.3)(x)
    return double_conv_block(x, n_filters)

def build_unet_model(filters=(8, 16, 32)):
    inputs = Input(shape=(32, 32, 3))
    skips, p = [], inputs
    for n in filters:
        f, p = downsample_block(p, n)
        skips.append(f)
    x = double_conv_block(p, filters[-1] * 2)
    for skip, n in zip(reversed(skips), filters[::-1]):
        x = upsample_block(x, skip, n)
    outputs = Conv2D(3, 1, padding="same", activation = "softmax")(x)
    unet_model = Model(inputs, outputs, name="U-Net")
    return unet_model

model = build_unet_model()
"""

SCRIPTS["transformer classifier"] = """
import keras
from keras import layers


def transformer_encoder(inputs, head_size, num_heads, ff_dim, dropout=0):
    # Attention and Normalization
    x = layers.MultiHeadAttention(
        key_dim=head_size, num_heads=num_heads, dropout=dropout
    )(inputs, inputs)
    x = layers.Dropout(dropout)(x)
    x = layers.LayerNormalization(epsilon=1e-6)(x)
    res = x + inputs

    # Feed Forward Part
    x = layers.Conv1D(filters=ff_dim, kernel_size=1, activation="relu")(res)
    x = layers.Dropout(dropout)(x)
    x = layers.Conv1D(filters=inputs.shape[-1], kernel_size=1)(x)
    x = layers.LayerNormalization(epsilon=1e-6)(x)
    return x + res


def build_model(
    input_shape,
    head_size,
    num_heads,
    ff_dim,
    num_transformer_blocks,
    mlp_units,
    dropout=0,
    mlp_dropout=0,
):
    inputs = keras.Input(shape=input_shape)
    x = inputs
    for _ in range(num_transformer_blocks):
        x = transformer_encoder(x, head_size, num_heads, ff_dim, dropout)

    x = layers.GlobalAveragePooling1D(data_format="channels_last")(x)
    for dim in mlp_units:
        x = layers.Dense(dim, activation="relu")(x)
        x = layers.Dropout(mlp_dropout)(x)
    outputs = layers.Dense(2, activation="softmax")(x)
    return keras.Model(inputs, outputs)


model = build_model(
    (50, 1),
    head_size=16,
    num_heads=4,
    ff_dim=4,
    num_transformer_blocks=3,
    mlp_units=[128],
    mlp_dropout=0.4,
    dropout=0.25,
)
"""

SCRIPTS["transformer by classes"] = """
import keras
from keras import layers, ops


class TransformerBlock(layers.Layer):
    def __init__(self, embed_dim, num_heads, ff_dim, rate=0.1, **kwargs):
        super().__init__(**kwargs)
        self.att = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.ffn = keras.Sequential(
            [layers.Dense(ff_dim, activation="relu"), layers.Dense(embed_dim)]
        )
        self.layernorm1 = layers.LayerNormalization(epsilon=1e-6)
        self.layernorm2 = layers.LayerNormalization(epsilon=1e-6)
        self.dropout1 = layers.Dropout(rate)
        self.dropout2 = layers.Dropout(rate)

    def call(self, inputs, training=False):
        attn_output = self.att(inputs, inputs)
        attn_output = self.dropout1(attn_output, training=training)
        out1 = self.layernorm1(inputs + attn_output)
        ffn_output = self.ffn(out1)
        ffn_output = self.dropout2(ffn_output, training=training)
        return self.layernorm2(out1 + ffn_output)


inputs = layers.Input(shape=(40, 32))
block = TransformerBlock(32, 2, 64)
x = block(inputs)
x = layers.GlobalAveragePooling1D()(x)
outputs = layers.Dense(2, activation="softmax")(x)
model = keras.Model(inputs=inputs, outputs=outputs)
"""

SCRIPTS["siamese"] = """
import keras
from keras import ops

def euclidean_distance(vects):
    x, y = vects
    sum_square = ops.sum(ops.square(x - y), axis=1, keepdims=True)
    return ops.sqrt(ops.maximum(sum_square, keras.backend.epsilon()))

input = keras.layers.Input((28, 28, 1))
x = keras.layers.BatchNormalization()(input)
x = keras.layers.Conv2D(4, (5, 5), activation="tanh")(x)
x = keras.layers.AveragePooling2D(pool_size=(2, 2))(x)
x = keras.layers.Flatten()(x)
x = keras.layers.Dense(10, activation="tanh")(x)
embedding_network = keras.Model(input, x)

input_1 = keras.layers.Input((28, 28, 1))
input_2 = keras.layers.Input((28, 28, 1))
tower_1 = embedding_network(input_1)
tower_2 = embedding_network(input_2)
merge_layer = euclidean_distance([tower_1, tower_2])
normal_layer = keras.layers.BatchNormalization()(merge_layer)
output_layer = keras.layers.Dense(1, activation="sigmoid")(normal_layer)
model = keras.Model(inputs=[input_1, input_2], outputs=output_layer)
"""

SCRIPTS["shared layers"] = """
from tensorflow import keras
from tensorflow.keras.layers import Input, LSTM, Dense, Embedding, Concatenate, Subtract

shared = {"words": Embedding(1000, 16, mask_zero=True), "read": LSTM(8)}
question_a, question_b = (Input(shape=(20,), dtype="int32", name=n) for n in ("a", "b"))
codes = []
for q in (question_a, question_b):
    h = shared["words"](q)
    codes.append(shared["read"](h))
merged = Concatenate(axis=-1)(codes)
difference = Subtract()([codes[0], codes[1]])
stack = [Dense(16, activation="relu") for _ in range(2)]
for layer in stack:
    merged = layer(merged)
merged = keras.layers.concatenate([merged, difference])
model = keras.Model([question_a, question_b], Dense(1, "sigmoid")(merged))
"""

SCRIPTS["seq2seq with states"] = """
from keras.models import Model
from keras.layers import Input, LSTM, Dense

num_encoder_tokens, num_decoder_tokens = 71, 93
latent_dim = 32

encoder_inputs = Input(shape=(None, num_encoder_tokens))
encoder = LSTM(latent_dim, return_state=True)
encoder_outputs, state_h, state_c = encoder(encoder_inputs)
encoder_states = [state_h, state_c]

decoder_inputs = Input(shape=(None, num_decoder_tokens))
decoder_lstm = LSTM(latent_dim, return_sequences=True, return_state=True)
decoder_outputs, _, _ = decoder_lstm(decoder_inputs, initial_state=encoder_states)
decoder_dense = Dense(num_decoder_tokens, activation="softmax")
decoder_outputs = decoder_dense(decoder_outputs)
model = Model([encoder_inputs, decoder_inputs], decoder_outputs)
model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])

# Inference: the same layers in other models
encoder_model = Model(encoder_inputs, encoder_states)
decoder_state_input_h = Input(shape=(latent_dim,))
decoder_state_input_c = Input(shape=(latent_dim,))
decoder_states_inputs = [decoder_state_input_h, decoder_state_input_c]
decoder_outputs, state_h, state_c = decoder_lstm(decoder_inputs, initial_state=decoder_states_inputs)
decoder_model = Model([decoder_inputs] + decoder_states_inputs, [decoder_dense(decoder_outputs), state_h, state_c])
"""

SCRIPTS["vgg by config"] = """
import tensorflow as tf

CONFIGS = {
    "A": [8, "M", 16, "M", 32, 32, "M"],
    "B": [8, 8, "M", 16, 16, "M"],
}

def make_layers(cfg, batch_norm=False):
    model = tf.keras.models.Sequential(name="features")
    model.add(tf.keras.layers.InputLayer(input_shape=(32, 32, 3)) if False else tf.keras.Input((32, 32, 3)))
    for v in cfg:
        if v == "M":
            model.add(tf.keras.layers.MaxPooling2D(pool_size=2, strides=2))
        else:
            model.add(tf.keras.layers.Conv2D(v, (3, 3), padding="same"))
            if batch_norm:
                model.add(tf.keras.layers.BatchNormalization())
            model.add(tf.keras.layers.Activation("relu"))
    return model

model = make_layers(CONFIGS["A"], batch_norm=True)
model.add(tf.keras.layers.Flatten())
for i, units in enumerate([64, 32], start=1):
    model.add(tf.keras.layers.Dense(units, activation="relu", name=f"fc{i}"))
    model.add(tf.keras.layers.Dropout(rate=0.5))
model.add(tf.keras.layers.Dense(10, activation="softmax"))
"""

SCRIPTS["inception"] = """
import keras
from keras.layers import Conv2D as C, MaxPooling2D, AveragePooling2D, Flatten, Dense, Dropout, Concatenate
from functools import partial

conv = partial(C, padding="same", activation="relu", kernel_initializer=keras.initializers.HeUniform(seed=7))

def inception(x, f1, f3r, f3, f5r, f5, pool, *, suffix):
    branches = [
        conv(f1, 1, name=f"one_{suffix}")(x),
        conv(f3, 3)(conv(f3r, 1)(x)),
        conv(f5, (5, 5))(conv(f5r, (1, 1))(x)),
        conv(pool, 1)(MaxPooling2D(3, strides=1, padding="same")(x)),
    ]
    return Concatenate(name="mixed_" + suffix)(branches)

inp = keras.Input((64, 64, 3))
net = conv(16, 7, strides=2)(inp)
net = MaxPooling2D(3, 2, "same")(net)
outs = []
for suffix, widths in {"3a": (8, 8, 16, 4, 8, 8), "3b": (16, 16, 24, 4, 12, 8)}.items():
    net = inception(net, *widths, suffix=suffix)
    aux = Flatten()(AveragePooling2D(5, 3)(net))
    outs.append(Dense(10, activation="softmax", name="aux" + suffix)(Dropout(0.7)(aux)))
main = Dense(10, activation="softmax", name="main")(Flatten()(net))
model = keras.Model(inputs=inp, outputs=[main, *outs])
"""

SCRIPTS["densenet"] = """
import keras
from keras import backend as K
from keras import layers

def dense_block(x, blocks, name):
    for i in range(blocks):
        x = conv_block(x, 8, name=name + "_block" + str(i + 1))
    return x

def transition_block(x, reduction, name):
    bn_axis = 3 if K.image_data_format() == "channels_last" else 1
    x = layers.BatchNormalization(axis=bn_axis, epsilon=1.001e-5, name=name + "_bn")(x)
    x = layers.Activation("relu", name=name + "_relu")(x)
    x = layers.Conv2D(int(x.shape[bn_axis] * reduction), 1, use_bias=False, name=name + "_conv")(x)
    x = layers.AveragePooling2D(2, strides=2, name=name + "_pool")(x)
    return x

def conv_block(x, growth_rate, name):
    bn_axis = 3 if K.image_data_format() == "channels_last" else 1
    x1 = layers.BatchNormalization(axis=bn_axis, epsilon=1.001e-5, name=name + "_0_bn")(x)
    x1 = layers.Activation("relu", name=name + "_0_relu")(x1)
    x1 = layers.Conv2D(4 * growth_rate, 1, use_bias=False, name=name + "_1_conv")(x1)
    x1 = layers.Conv2D(growth_rate, 3, padding="same", use_bias=False, name=name + "_2_conv")(x1)
    return layers.Concatenate(axis=bn_axis, name=name + "_concat")([x, x1])

def DenseNet(blocks, input_shape=None, classes=1000, classifier_activation="softmax", include_top=True):
    img_input = layers.Input(shape=input_shape)
    x = layers.ZeroPadding2D(padding=((3, 3), (3, 3)))(img_input)
    x = layers.Conv2D(16, 7, strides=2, use_bias=False, name="conv1_conv")(x)
    for index, count in enumerate(blocks[:-1]):
        x = dense_block(x, count, name="conv%d" % (index + 2))
        x = transition_block(x, 0.5, name="pool%d" % (index + 2))
    x = dense_block(x, blocks[-1], name=f"conv{len(blocks) + 1}")
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = layers.Dense(classes, activation=classifier_activation, name="predictions")(x)
    elif blocks:
        raise ValueError("no top")
    return keras.Model(img_input, x, name="densenet")

model = DenseNet([2, 3, 2], input_shape=(64, 64, 3), classes=10)
"""

SCRIPTS["mobilenet"] = """
import keras
from keras import layers
from keras.applications import mobilenet_v2

def _make_divisible(v, divisor, min_value=None):
    if min_value is None:
        min_value = divisor
    new_v = max(min_value, int(v + divisor / 2) // divisor * divisor)
    if new_v < 0.9 * v:
        new_v += divisor
    return new_v

def inverted_res_block(inputs, filters, alpha, stride, expansion, block_id):
    in_channels = keras.backend.int_shape(inputs)[-1] if hasattr(keras.backend, "int_shape") else inputs.shape[-1]
    pointwise_filters = _make_divisible(int(filters * alpha), 8)
    x = inputs
    prefix = f"block_{block_id}_"
    if block_id:
        x = layers.Conv2D(expansion * in_channels, 1, padding="same", use_bias=False, activation=None, name=prefix + "expand")(x)
        x = layers.BatchNormalization(epsilon=1e-3, momentum=0.999)(x)
        x = layers.ReLU(6.0)(x)
    else:
        prefix = "expanded_conv_"
    x = layers.DepthwiseConv2D(kernel_size=3, strides=stride, use_bias=False, padding="same", name=prefix + "depthwise")(x)
    x = layers.BatchNormalization(epsilon=1e-3, momentum=0.999)(x)
    x = layers.ReLU(6.0)(x)
    x = layers.Conv2D(pointwise_filters, kernel_size=1, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(epsilon=1e-3, momentum=0.999)(x)
    if in_channels == pointwise_filters and stride == 1:
        return layers.Add(name=prefix + "add")([inputs, x])
    return x

img = keras.Input(shape=(32, 32, 3))
alpha = 0.5
x = layers.Conv2D(_make_divisible(32 * alpha, 8), 3, strides=(2, 2), padding="same", use_bias=False)(img)
block = 0
for t, c, n, s in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 2, 2)]:
    for i in range(n):
        x = inverted_res_block(x, c, alpha, s if i == 0 else 1, t, block)
        block += 1
x = layers.GlobalAveragePooling2D()(x)
model = keras.Model(img, layers.Dense(10)(x))
"""

SCRIPTS["text cnn"] = """
import keras
from keras import layers, regularizers, constraints, initializers

max_features = 2000
embedding_dim = 32
inputs = keras.Input(shape=(None,), dtype="int64")
x = layers.Embedding(max_features, embedding_dim, embeddings_initializer=initializers.RandomUniform(-0.1, 0.1))(inputs)
x = layers.SpatialDropout1D(0.5)(x)
pools = [
    layers.GlobalMaxPooling1D()(
        layers.Conv1D(
            16, size, padding="valid", activation="relu",
            kernel_regularizer=regularizers.L1L2(l1=1e-5, l2=1e-4),
            kernel_constraint=constraints.max_norm(3.0),
        )(x)
    )
    for size in (3, 4, 5)
    if size > 2
]
x = layers.Concatenate()(pools)
x = layers.Dense(128, activation=layers.LeakyReLU(negative_slope=0.1))(x)
x = layers.Bidirectional(layers.LSTM(8, dropout=0.1), merge_mode="sum")(layers.Reshape((16, 8))(x))
predictions = layers.Dense(1, activation="sigmoid", name="predictions")(x)
model = keras.Model(inputs, predictions)
"""

SCRIPTS["multi-task"] = """
import keras
from keras import layers

def create_tasks_model(task_names=("age", "gender", "race"), sizes={"age": 1, "gender": 2, "race": 5}):
    inputs = {"image": keras.Input((24, 24, 3), name="image"), "meta": keras.Input((6,), name="meta")}
    trunk = keras.Sequential(
        [
            layers.Input((24, 24, 3)),
            layers.Rescaling(1.0 / 127.5, offset=-1),
            layers.Conv2D(8, 3, strides=2),
            layers.GlobalAveragePooling2D(),
        ],
        name="trunk",
    )
    features = layers.concatenate([trunk(inputs["image"]), inputs["meta"]], axis=1)
    outputs = {}
    for name in task_names:
        h = layers.Dense(16, activation="gelu")(features)
        outputs[name] = layers.Dense(sizes[name], activation=None if name == "age" else "softmax", name=name)(h)
    return keras.Model(inputs=inputs, outputs=outputs)

model = create_tasks_model()
model.compile(
    loss={"age": "mae", "gender": "sparse_categorical_crossentropy", "race": keras.losses.SparseCategoricalCrossentropy()},
    metrics={"age": ["mse"], "race": [keras.metrics.SparseTopKCategoricalAccuracy(k=2)]},
    optimizer=keras.optimizers.SGD(
        keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=1000, decay_rate=0.9), momentum=0.9, nesterov=True
    ),
)
"""

SCRIPTS["mlp sequential"] = """
from tensorflow import keras
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import Dense, Dropout

model = Sequential()
model.add(Dense(512, activation="relu", input_shape=(784,)))
model.add(Dropout(0.2))
model.add(Dense(512, activation="relu"))
model.add(Dropout(0.2))
model.add(Dense(10, activation="softmax"))
"""

SCRIPTS["cnn sequential"] = """
import tensorflow as tf

model = tf.keras.models.Sequential([
    tf.keras.layers.Conv2D(16, (3, 3), activation='relu', input_shape=(150, 150, 3)),
    tf.keras.layers.MaxPooling2D(2, 2),
    tf.keras.layers.Conv2D(32, (3, 3), activation=tf.nn.relu),
    tf.keras.layers.MaxPooling2D(2, 2),
    tf.keras.layers.Flatten(),
    tf.keras.layers.Dense(64, activation=tf.keras.activations.elu),
    tf.keras.layers.Dense(1, activation='sigmoid')
])
"""

SCRIPTS["lstm sequential"] = """
import keras
import numpy as np

n_steps, n_features = 30, 4
cells = [64, 32]
model = keras.Sequential(name="forecast")
model.add(keras.Input(shape=(n_steps, n_features)))
for i, units in enumerate(cells):
    model.add(keras.layers.LSTM(units, return_sequences=i < len(cells) - 1))
model.add(keras.layers.TimeDistributed(keras.layers.Dense(4)) if False else keras.layers.Dense(int(np.prod((2, 5)))))
model.add(keras.layers.Reshape((2, -1)))
"""

SCRIPTS["operators and slices"] = """
import keras
from keras import layers, ops

x = keras.Input((8, 6))
y = keras.Input((8, 6))
a = (x - y) ** 2 / 3.0 + 1
b = 2 * x - -y
c = a @ ops.transpose(b, (0, 2, 1))
d = ops.softmax(c, axis=-1) * 0.5
e = x[:, 0] + x[:, -1, :] + y[:, 1:3][:, 0]
f = ops.mean(d, axis=[1, 2], keepdims=False)
g = ops.concatenate([e, x[..., 2]], axis=-1)
first, second = ops.split(g, 2, axis=1)
h = ops.stack([first, second], axis=1)
i = ops.relu(h) + keras.activations.sigmoid(h)
j = 1 - ops.expand_dims(f, axis=-1)
k = ops.where(j > 0.5, j, 0.0)
model = keras.Model([x, y], [i, k, ops.clip(e, -1.0, 1.0)])
"""

SCRIPTS["attention with masks"] = """
import keras
from keras import layers

tokens = keras.Input((12,), dtype="int32", name="tokens")
valid = keras.Input((12, 12), dtype="bool", name="valid")
e = layers.Embedding(50, 16)(tokens)
mha = layers.MultiHeadAttention(2, 8)
z, scores = mha(query=e, value=e, attention_mask=valid, return_attention_scores=True)
z = layers.LayerNormalization()(e + z)
q, s = layers.GRU(4, return_sequences=True, return_state=True)(z)
outs = layers.Bidirectional(layers.LSTM(3, return_state=True))(q)
states = layers.Concatenate()(list(outs[1:]))
att = layers.Attention()([z, z])
pooled = layers.GlobalMaxPooling1D()(att)
dot = layers.Dot(axes=1, normalize=True)([pooled, layers.Dense(16)(states)])
drop = layers.Dropout(0.5)(pooled, training=True)
model = keras.Model(inputs=[tokens, valid], outputs=[dot, layers.Concatenate()([s, drop]), scores])
"""

SCRIPTS["parts of other models"] = """
import keras
from keras import layers

base = keras.Sequential([
    keras.Input((32, 32, 3)),
    layers.Conv2D(8, 3, activation="relu", name="stem"),
    layers.MaxPooling2D(),
    layers.Conv2D(16, 3, activation="relu", name="body"),
    layers.Flatten(),
    layers.Dense(10, name="top"),
], name="base")
for layer in base.layers[:2]:
    layer.trainable = False
x = base.get_layer("body").output
x = layers.GlobalAveragePooling2D()(x)
head = keras.Model(base.inputs, layers.Dense(5)(x), name="head")
second = keras.Model(head.inputs, head.layers[-2].output, name="second")
second.trainable = False
image = keras.Input((32, 32, 3))
model = keras.Model(image, layers.Dense(3)(second(image)))
"""

SCRIPTS["recursion and closures"] = """
import keras
from keras import layers


class Config:
    width = 4
    depth = 3
    size = (16, 16, 1)

    def __init__(self, dropout=0.1):
        self.dropout = dropout

    @property
    def channels(self):
        return self.width * 2


def make(config):
    count = 0

    def conv(filters, **kwargs):
        nonlocal count
        count += 1
        settings = dict(padding="same", activation="relu", **kwargs)
        return lambda t: layers.Dropout(config.dropout)(layers.Conv2D(filters, 3, **settings)(t))

    def hourglass(t, depth):
        if depth == 0:
            return conv(config.channels * 4)(t)
        up = conv(config.channels)(t)
        low = layers.MaxPooling2D()(t)
        low = hourglass(conv(config.channels)(low), depth - 1)
        low = conv(config.channels)(low)
        low = layers.UpSampling2D()(low)
        return layers.Add()([up, low])

    inputs = keras.Input(config.size)
    outputs = hourglass(inputs, config.depth)
    while count % 2:
        outputs = conv(1)(outputs)
    assert count
    return keras.Model(inputs, outputs)


def main():
    global model
    model = make(Config(dropout=0.2))


main()
"""

WITHOUT_CLASSES = {
    "transformer by classes": """
import keras
from keras import layers

inputs = layers.Input(shape=(40, 32))
attended = layers.MultiHeadAttention(num_heads=2, key_dim=32)(inputs, inputs)
first = layers.LayerNormalization(epsilon=1e-6)(inputs + layers.Dropout(0.1)(attended))
ffn = keras.Sequential([keras.Input((40, 32)), layers.Dense(64, activation="relu"), layers.Dense(32)])
x = layers.LayerNormalization(epsilon=1e-6)(first + layers.Dropout(0.1)(ffn(first)))
x = layers.GlobalAveragePooling1D()(x)
model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
"""
}
"""What the scripts with layers of their own come in as: the same without these classes."""
