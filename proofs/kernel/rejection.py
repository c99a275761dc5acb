"""Rejection, the one way in which a certificate fails, and the limits beyond which none is looked at."""

LARGEST_TEXT, LONGEST_NUMBER, LARGEST_SIZE = 4_000_000, 1_100, 1_000_000
MOST_STEPS, MOST_NODES, MOST_CELLS, MOST_PRODUCTS = 5_000, 200_000, 20_000, 20_000
MOST_BITS, LARGEST_ORDER, SECONDS, MEGABYTES = 8_192, 16, 5, 256
"""Characters of a certificate, digits of a number, entries of an axis; steps of a derivation, operations of the term of
a step, cells of an array, products of an expanded term; bits of an enclosure, order of a Taylor term; time and memory
for one certificate."""


TOO_LARGE = "more memory than one certificate may take"


class Rejected(Exception):
    """The certificate does not prove its statement; the text says why."""


def require(condition: bool, reason: str, *found: object) -> None:
    """Reject with ``reason`` unless the condition holds; what was found stands in its braces, cut short."""
    if not condition:
        raise Rejected(reason.format(*(str(each)[:40] for each in found)) if found else reason)
