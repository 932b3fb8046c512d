"""Support tickets made from a seed: words that depend on the department and on how urgent a ticket is."""

from __future__ import annotations

import numpy as np

from kflab.catalog.bundled import DEPARTMENTS, TICKET_BODY, TICKET_TAGS, TICKET_TITLE, TICKET_WORDS
from kflab.catalog.offers import Settings
from kflab.data.arrays import Array, Raw, Samples

_SEED = 11

# Word ids: 0 fills up, then come the words of urgency, those of each department, and everyday words.
_URGENT_WORDS = 15
_TOPIC_WORDS = 25
_FIRST_TOPIC = 1 + _URGENT_WORDS
_FIRST_EVERYDAY = _FIRST_TOPIC + _TOPIC_WORDS * len(DEPARTMENTS)


def tickets(settings: Settings) -> Raw:
    """Tickets with a title, a text and tags, sorted by priority and department.

    About one word in three is of the ticket's department, and urgent tickets use words of urgency; the rest
    are everyday words, frequent ones more often, as in real text. The first tags go with the departments.
    """
    random = np.random.default_rng(_SEED)
    samples = settings.whole("samples")
    department = random.integers(len(DEPARTMENTS), size=samples)
    # A technical fault is urgent more often than a question about an account.
    urgent = random.random(samples) < np.array([0.4, 0.5, 0.65, 0.3])[department]
    inputs = {
        "title": _text(random, TICKET_TITLE, 5, department, urgent),
        "text_body": _text(random, TICKET_BODY, 20, department, urgent),
        "tags": _tags(random, department, urgent),
    }
    wrong = random.random((2, samples)) < settings.number("noise")
    elsewhere = (department + random.integers(1, len(DEPARTMENTS), size=samples)) % len(DEPARTMENTS)
    targets = {
        "priority": (urgent ^ wrong[0]).astype("int32"),
        "department": np.where(wrong[1], elsewhere, department).astype("int32"),
    }
    return Raw(Samples(inputs, targets))


def _text(random: np.random.Generator, most: int, least: int, department: Array, urgent: Array) -> Array:
    shape = (len(department), most)
    everyday = _FIRST_EVERYDAY + (random.zipf(1.5, size=shape) - 1) % (TICKET_WORDS - _FIRST_EVERYDAY)
    topic = _FIRST_TOPIC + department[:, None] * _TOPIC_WORDS + random.integers(_TOPIC_WORDS, size=shape)
    urgency = 1 + random.integers(_URGENT_WORDS, size=shape)
    draw = random.random(shape)
    # Whoever is not in a hurry says "urgent" now and then, too.
    threshold = np.where(urgent, 0.2, 0.02)[:, None]
    words = np.where(draw < threshold, urgency, np.where(draw > 0.65, topic, everyday))
    length = random.integers(least, most + 1, size=len(department))
    return np.where(np.arange(most) < length[:, None], words, 0).astype("int32")


def _tags(random: np.random.Generator, department: Array, urgent: Array) -> Array:
    tags = random.random((len(department), TICKET_TAGS)) < 0.15
    rows = np.arange(len(department))
    tags[rows, department] |= random.random(len(department)) < 0.5
    tags[:, len(DEPARTMENTS)] |= urgent & (random.random(len(department)) < 0.4)
    return tags.astype("float32")
