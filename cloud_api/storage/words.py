"""Words that a listing is searched for, as the pattern that LIKE takes."""


def containing(words: str | None) -> str | None:
    """The pattern of texts that contain these very words; None asks for nothing."""
    if words is None:
        return None
    literal = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{literal}%"
