"""Lone surrogates: half characters that JavaScript text may hold and UTF-8 may not."""


def without_lone_surrogates(text: str) -> str:
    r"""Put U+FFFD for each lone surrogate, as the other side's decoders do.

    Two halves that belong together become the one character they stand for, as JavaScript sees
    them: `"\ud83d\ude00"` is one emoji. Source: protocol.md section 8.3.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
