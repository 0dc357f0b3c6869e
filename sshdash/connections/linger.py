"""How long a connection stays when nothing uses it: ControlPersist's meaning."""

from sshdash.config.resolver import ResolvedHost


def linger_seconds(resolved: ResolvedHost, asked: bool, hop_linger: float) -> float | None:
    """Return the seconds that a connection without leases stays, None for until it is ended.

    ControlPersist decides where it is set: ``no`` ends it with its last user, ``yes`` and ``0``
    keep it, a time keeps it that long. Else what was `asked` for stays until the person
    disconnects, and a mere jump host `hop_linger` seconds: a login behind it that failed can be
    tried again without another login at the hop.
    """
    if not resolved.origins.get("controlpersist"):
        return None if asked else hop_linger
    value = resolved.get("controlpersist") or "no"
    if value == "no":
        return 0
    seconds = resolved.seconds("controlpersist")
    return seconds or None
