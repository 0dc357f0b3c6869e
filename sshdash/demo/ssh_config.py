"""The fleet's ssh_config: one main file and one per group, as people keep them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sshdash.demo.places import PLACES, Place

_ABOUT = {
    "production": "# Everything behind the bastion.\n",
    "staging": "# Where things break first.\n",
    "special": "# Hosts with ways of their own.\n",
}
"""The included files, in the order of the list."""


@dataclass(frozen=True)
class ConfigPlan:
    """What the files are made of."""

    file: Path
    identity: Path
    known_hosts: Path
    ports: Mapping[str, int]
    """The loopback port of each host that has one."""
    forwards: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Lines such as ``LocalForward 8080 localhost:80``, by host."""


def write(plan: ConfigPlan) -> None:
    """Write the main file and the ones it includes."""
    folder = plan.file.parent / "conf.d"
    folder.mkdir(mode=0o700, exist_ok=True)
    for group, about in _ABOUT.items():
        blocks = [_block(plan, place) for place in PLACES if place.group == group]
        _write(folder / f"{group}.conf", about + "".join(blocks))
    # OpenSSH takes a relative Include from ~/.ssh, wherever this file is.
    includes = "".join(f'Include "{folder / group}.conf"\n' for group in _ABOUT)
    about = "# The hosts of the demo. Everything here is temporary.\n"
    _write(plan.file, f"{about}{includes}\n{_defaults(plan)}")


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _block(plan: ConfigPlan, place: Place) -> str:
    lines = [f"HostName {place.address}"]
    if not place.behind:
        lines.append(f"Port {plan.ports[place.name]}")
    lines.append(f"User {place.user}")
    if place.behind:
        lines.append(f"ProxyJump {place.behind}")
    if place.two_factor:
        lines.append("PubkeyAuthentication no")
    lines += plan.forwards.get(place.name, ())
    return f"\n# {place.about}\nHost {place.name}\n" + "".join(f"    {line}\n" for line in lines)


def _defaults(plan: ConfigPlan) -> str:
    return (
        "Host *\n"
        f'    IdentityFile "{plan.identity}"\n'
        "    IdentitiesOnly yes\n"
        "    IdentityAgent none\n"
        f'    UserKnownHostsFile "{plan.known_hosts}"\n'
        "    GlobalKnownHostsFile /dev/null\n"
        "    ServerAliveInterval 15\n"
    )
