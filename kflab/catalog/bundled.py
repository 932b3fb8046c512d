"""The datasets that need no network: those that scikit-learn brings and those that are generated."""

from __future__ import annotations

from kflab.catalog.dataset_types import ArrayInfo, Origin, TargetInfo, TargetKind
from kflab.catalog.offers import Content, Offer, Setting, Settings, number, whole

DIGITS = tuple("0123456789")

TICKET_WORDS = 10_000
"""Token ids in `tickets`: 0 fills up, 1 to 9,999 are words."""

TICKET_TITLE, TICKET_BODY = 12, 60
"""Token ids in the title and in the body of a ticket."""

TICKET_TAGS = 12

DEPARTMENTS = ("billing", "shipping", "technical", "account")

BRIGHTEST = 16
"""The value of a white pixel in scikit-learn's digits."""

TEST_DIGITS, DIGITS_SEED = 360, 20
"""How many of the digits are held back for the test, and the seed that chooses them."""

PAIRS_SEED, GENERATED_SEED = 21, 7
"""The seeds of the pairs of digits, and of the points of scikit-learn."""

INNER_CIRCLE = 0.5
"""The radius of the inner one of the two circles."""

_MOST_SAMPLES = 1_000_000


def _samples(default: int) -> Setting:
    return whole("samples", default, "How many samples to make.", low=20, high=_MOST_SAMPLES)


def _noise(default: float) -> Setting:
    return number("noise", default, "Standard deviation of the noise that is added.", high=10)


def _digits(_: Settings) -> Content:
    return Content(
        inputs=(ArrayInfo("image", (8, 8, 1), low=0, high=1),),
        targets=(TargetInfo("digit", TargetKind.CLASSES, dtype="int32", classes=10, labels=DIGITS),),
        train=1437,
        test=360,
    )


def _digits_pairs(settings: Settings) -> Content:
    return Content(
        inputs=(
            ArrayInfo("left", (8, 8, 1), low=0, high=1),
            ArrayInfo("right", (8, 8, 1), low=0, high=1),
        ),
        targets=(
            TargetInfo(
                "same", TargetKind.BINARY, dtype="int32", classes=2, labels=("different digits", "same digit")
            ),
        ),
        train=settings.whole("pairs"),
        test=settings.whole("test_pairs"),
    )


def _table(columns: int, rows: int, target: TargetInfo) -> Content:
    return Content(inputs=(ArrayInfo("features", (columns,)),), targets=(target,), train=rows)


def _iris(_: Settings) -> Content:
    labels = ("setosa", "versicolor", "virginica")
    return _table(4, 150, TargetInfo("species", TargetKind.CLASSES, dtype="int32", classes=3, labels=labels))


def _wine(_: Settings) -> Content:
    labels = ("class_0", "class_1", "class_2")
    return _table(
        13, 178, TargetInfo("cultivar", TargetKind.CLASSES, dtype="int32", classes=3, labels=labels)
    )


def _breast_cancer(_: Settings) -> Content:
    labels = ("malignant", "benign")
    return _table(
        30, 569, TargetInfo("diagnosis", TargetKind.BINARY, dtype="int32", classes=2, labels=labels)
    )


def _diabetes(_: Settings) -> Content:
    return _table(10, 442, TargetInfo("progression", TargetKind.VALUES))


def _points(settings: Settings, target: TargetInfo) -> Content:
    return Content(inputs=(ArrayInfo("point", (2,)),), targets=(target,), train=settings.whole("samples"))


def _spirals(settings: Settings) -> Content:
    classes = settings.whole("classes")
    labels = tuple(f"arm {index}" for index in range(classes))
    return _points(
        settings, TargetInfo("arm", TargetKind.CLASSES, dtype="int32", classes=classes, labels=labels)
    )


def _moons(settings: Settings) -> Content:
    labels = ("upper", "lower")
    return _points(settings, TargetInfo("moon", TargetKind.BINARY, dtype="int32", classes=2, labels=labels))


def _circles(settings: Settings) -> Content:
    labels = ("outer", "inner")
    return _points(settings, TargetInfo("circle", TargetKind.BINARY, dtype="int32", classes=2, labels=labels))


def _sine(settings: Settings) -> Content:
    return Content(
        inputs=(ArrayInfo("window", (settings.whole("length"), 1)),),
        targets=(TargetInfo("future", TargetKind.VALUES, shape=(settings.whole("horizon"),)),),
        train=settings.whole("samples"),
    )


def _tickets(settings: Settings) -> Content:
    return Content(
        inputs=(
            ArrayInfo(
                "title", (TICKET_TITLE,), dtype="int32", ids=TICKET_WORDS, low=0, high=TICKET_WORDS - 1
            ),
            ArrayInfo(
                "text_body", (TICKET_BODY,), dtype="int32", ids=TICKET_WORDS, low=0, high=TICKET_WORDS - 1
            ),
            ArrayInfo("tags", (TICKET_TAGS,), low=0, high=1),
        ),
        targets=(
            TargetInfo("priority", TargetKind.BINARY, dtype="int32", classes=2, labels=("normal", "urgent")),
            TargetInfo(
                "department",
                TargetKind.CLASSES,
                dtype="int32",
                classes=len(DEPARTMENTS),
                labels=DEPARTMENTS,
            ),
        ),
        train=settings.whole("samples"),
    )


OFFERS = (
    Offer("digits", Origin.BUNDLED, "handwritten digits, 8×8 pixels in grey", _digits),
    Offer(
        "digits_pairs",
        Origin.BUNDLED,
        "pairs of handwritten digits: do both show the same one?",
        _digits_pairs,
        (
            whole("pairs", 6000, "Training pairs, half of them of the same digit.", low=20, high=200_000),
            whole("test_pairs", 1000, "Test pairs, drawn from other images.", low=20, high=50_000),
        ),
    ),
    Offer("iris", Origin.BUNDLED, "iris flowers by four lengths, three species", _iris),
    Offer("wine", Origin.BUNDLED, "wines by 13 chemical measures, three cultivars", _wine),
    Offer("breast_cancer", Origin.BUNDLED, "tumours by 30 measures, malignant or benign", _breast_cancer),
    Offer("diabetes", Origin.BUNDLED, "patients by 10 measures, progression of the disease", _diabetes),
    Offer(
        "spirals",
        Origin.GENERATED,
        "points on interleaved spiral arms",
        _spirals,
        (
            whole("classes", 2, "How many arms.", low=2, high=20),
            _samples(2000),
            _noise(0.03),
            number("turns", 1.5, "How often an arm winds around the middle.", low=0.1, high=10),
        ),
    ),
    Offer(
        "moons",
        Origin.GENERATED,
        "points on two interleaved half circles",
        _moons,
        (_samples(1000), _noise(0.15)),
    ),
    Offer(
        "circles",
        Origin.GENERATED,
        "points on a circle inside another",
        _circles,
        (_samples(1000), _noise(0.08)),
    ),
    Offer(
        "sine",
        Origin.GENERATED,
        "a sum of sine waves with noise: forecast what comes next",
        _sine,
        (
            whole("length", 48, "Past values that the model sees.", low=1, high=10_000),
            whole("horizon", 1, "Values to forecast.", high=1000),
            _samples(2000),
            _noise(0.1),
        ),
    ),
    Offer(
        "tickets",
        Origin.GENERATED,
        "support tickets: title, text and tags; how urgent, and for whom?",
        _tickets,
        (
            _samples(2500),
            number("noise", 0.02, "Fraction of tickets that were sorted wrongly.", high=0.5),
        ),
    ),
)
