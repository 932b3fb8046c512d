"""The datasets that are made here teach what they are made for, and their splits do not leak."""

from collections.abc import Iterator

import numpy as np
from sklearn import datasets as sklearn_datasets

from kflab import document, presets
from kflab.data.load import Part, Splits, load


def loaded(preset: str) -> Splits:
    return load(document.read(presets.path(preset)), None, None, 1)


def parts(splits: Splits) -> Iterator[Part]:
    for part in (splits.train, splits.validation, splits.test):
        assert part is not None
        yield part


def test_a_series_is_split_in_time_and_no_target_is_in_two_splits():
    splits = loaded("sine_forecast")
    train, validation, test = parts(splits)
    windows, futures = train.inputs["window"][:, :, 0], train.targets["future"]
    assert np.array_equal(windows[1:, :-1], windows[:-1, 1:])
    assert np.array_equal(windows[4:, -4:], futures[:-4])
    for earlier, later in ((train, validation), (validation, test)):
        # The window of the next split begins where the last target ends, or later.
        assert not set(earlier.targets["future"].ravel()) & set(later.targets["future"].ravel())


def test_pairs_of_digits_are_balanced_and_their_test_images_are_new():
    splits = loaded("digits_siamese")
    train, validation, test = parts(splits)
    assert test.targets["same"].mean() == 0.5
    assert abs(train.targets["same"].mean() - 0.5) < 0.01

    def images(*some: Part) -> set[bytes]:
        return {image.tobytes() for part in some for side in part.inputs.values() for image in side}

    # A few of the 1,797 pictures are equal to the last pixel.
    assert len(images(train, validation) & images(test)) < 5
    assert not any(
        np.array_equal(a, b) for a, b in zip(test.inputs["left"], test.inputs["right"], strict=True)
    )


def test_pairs_that_are_told_to_be_the_same_do_show_the_same_digit():
    pixels, digits = sklearn_datasets.load_digits(return_X_y=True)
    of = {
        (image / 16).astype("float32").tobytes(): digit for image, digit in zip(pixels, digits, strict=True)
    }
    splits = loaded("digits_siamese")
    for part in parts(splits):
        pairs = zip(part.inputs["left"], part.inputs["right"], part.targets["same"], strict=True)
        for left, right, same in pairs:
            assert (of[left.tobytes()] == of[right.tobytes()]) == bool(same)


def test_tickets_can_be_told_from_their_words():
    splits = loaded("tickets")
    train, _, test = parts(splits)

    def counts(part: Part) -> np.ndarray:
        words = np.concatenate([part.inputs["title"], part.inputs["text_body"]], axis=1)
        return np.stack(
            [((words > 15 + 25 * i) & (words <= 40 + 25 * i)).sum(axis=1) for i in range(4)], axis=1
        )

    assert (counts(test).argmax(axis=1) == test.targets["department"]).mean() > 0.9
    urgency = (test.inputs["text_body"] <= 15) & (test.inputs["text_body"] > 0)
    urgent = test.targets["priority"] == 1
    assert urgency[urgent].sum(axis=1).mean() > 2 * urgency[~urgent].sum(axis=1).mean()
    assert 0.3 < train.targets["priority"].mean() < 0.7
