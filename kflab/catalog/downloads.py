"""The datasets that Keras downloads, as Keras 3 loads them."""

from __future__ import annotations

from kflab.catalog.dataset_types import ArrayInfo, Origin, TargetInfo, TargetKind
from kflab.catalog.offers import Content, Offer, Settings, choice, flag, whole


def _labels(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

CIFAR10 = _labels("airplane automobile bird cat deer dog frog horse ship truck")

CIFAR100_FINE = _labels(
    """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
    camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile
    cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
    lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
    spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm
    """
)

CIFAR100_COARSE = _labels(
    """
    aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices
    household_furniture insects large_carnivores large_man-made_outdoor_things
    large_natural_outdoor_scenes large_omnivores_and_herbivores medium_mammals
    non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2
    """
)

REUTERS = _labels(
    """
    cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship
    cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin
    strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem
    dlr gas silver wpi hog lead
    """
)

_TEXT = (
    whole("num_words", 10_000, "Only the most frequent words; rarer ones become id 2.", low=4, high=100_000),
    whole("length", 200, "Words a text is cut or filled up to; the last ones are kept.", high=10_000),
    whole("maxlen", None, "Texts with more words are left out.", nullable=True),
    choice("padding", ("pre", "post"), "Whether a short text is filled up in front or at the end."),
    flag("multi_hot", False, "Rows of `num_words` zeros and ones, without order, instead of word ids."),
)


def _image(side: int, channels: int) -> ArrayInfo:
    return ArrayInfo("image", (side, side, channels), dtype="uint8", low=0, high=255)


def _classes(name: str, labels: tuple[str, ...]) -> TargetInfo:
    return TargetInfo(name, TargetKind.CLASSES, dtype="int32", classes=len(labels), labels=labels)


def _mnist(_: Settings) -> Content:
    digits = tuple("0123456789")
    return Content((_image(28, 1),), (_classes("digit", digits),), 60_000, 10_000)


def _fashion_mnist(_: Settings) -> Content:
    return Content((_image(28, 1),), (_classes("article", FASHION),), 60_000, 10_000)


def _cifar10(_: Settings) -> Content:
    return Content((_image(32, 3),), (_classes("object", CIFAR10),), 50_000, 10_000)


def _cifar100(settings: Settings) -> Content:
    labels = CIFAR100_FINE if settings.text("label_mode") == "fine" else CIFAR100_COARSE
    return Content((_image(32, 3),), (_classes("object", labels),), 50_000, 10_000)


def _words(settings: Settings) -> ArrayInfo:
    num_words = settings.whole("num_words")
    if settings.flag("multi_hot"):
        return ArrayInfo("words", (num_words,), dtype="uint8", low=0, high=1)
    return ArrayInfo(
        "words", (settings.whole("length"),), dtype="int32", ids=num_words, low=0, high=num_words - 1
    )


def _imdb(settings: Settings) -> Content:
    target = TargetInfo(
        "sentiment", TargetKind.BINARY, dtype="int32", classes=2, labels=("negative", "positive")
    )
    every = settings.whole_or_none("maxlen") is None
    return Content((_words(settings),), (target,), 25_000 * every, 25_000 * every)


def _reuters(settings: Settings) -> Content:
    every = settings.whole_or_none("maxlen") is None
    return Content((_words(settings),), (_classes("topic", REUTERS),), 8_982 * every, 2_246 * every)


def _boston_housing(_: Settings) -> Content:
    return Content((ArrayInfo("features", (13,)),), (TargetInfo("price", TargetKind.VALUES),), 404, 102)


def _california_housing(settings: Settings) -> Content:
    train, test = (480, 120) if settings.text("version") == "small" else (16_512, 4_128)
    return Content((ArrayInfo("features", (8,)),), (TargetInfo("price", TargetKind.VALUES),), train, test)


OFFERS = (
    Offer(
        "mnist",
        Origin.DOWNLOAD,
        "handwritten digits, 28×28 pixels in grey",
        _mnist,
        download_bytes=11_490_434,
        files=("mnist.npz",),
        instead="digits",
    ),
    Offer(
        "fashion_mnist",
        Origin.DOWNLOAD,
        "pictures of clothes, 28×28 pixels in grey",
        _fashion_mnist,
        download_bytes=30_878_645,
        files=(
            "fashion-mnist/train-labels-idx1-ubyte.gz",
            "fashion-mnist/train-images-idx3-ubyte.gz",
            "fashion-mnist/t10k-labels-idx1-ubyte.gz",
            "fashion-mnist/t10k-images-idx3-ubyte.gz",
        ),
        instead="digits",
    ),
    Offer(
        "cifar10",
        Origin.DOWNLOAD,
        "photos of ten kinds of things, 32×32 pixels in colour",
        _cifar10,
        download_bytes=170_498_071,
        files=("cifar-10-batches-py-target_archive",),
        instead="digits",
    ),
    Offer(
        "cifar100",
        Origin.DOWNLOAD,
        "photos of a hundred kinds of things, 32×32 pixels in colour",
        _cifar100,
        (choice("label_mode", ("fine", "coarse"), "100 fine classes, or the 20 that they fall into."),),
        download_bytes=169_001_437,
        files=("cifar-100-python-target_archive",),
        instead="digits",
    ),
    Offer(
        "imdb",
        Origin.DOWNLOAD,
        "film reviews as word ids, positive or negative",
        _imdb,
        _TEXT,
        download_bytes=17_464_789,
        files=("imdb.npz",),
        instead="tickets",
    ),
    Offer(
        "reuters",
        Origin.DOWNLOAD,
        "newswires as word ids, 46 topics",
        _reuters,
        _TEXT,
        download_bytes=2_110_848,
        files=("reuters.npz",),
        instead="tickets",
    ),
    Offer(
        "boston_housing",
        Origin.DOWNLOAD,
        "districts of Boston in the 1970s by 13 measures, price of a house in $1,000",
        _boston_housing,
        download_bytes=57_026,
        files=("boston_housing.npz",),
        instead="diabetes",
    ),
    Offer(
        "california_housing",
        Origin.DOWNLOAD,
        "districts of California in 1990 by 8 measures, price of a house in $",
        _california_housing,
        (choice("version", ("large", "small"), "All districts, or the first 600."),),
        download_bytes=743_530,
        files=("california_housing.npz",),
        instead="diabetes",
    ),
)
