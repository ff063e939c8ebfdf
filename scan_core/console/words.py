"""Numbers as a person reads them."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return ``1 picture``, ``2,062 pictures``; ``plural`` is that of a noun that takes more than an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: int | float | None) -> str:
    """Return ``2 h 05 min``, ``3 min 20 s``, ``12 s``; a dash where nothing is known."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02} min"
