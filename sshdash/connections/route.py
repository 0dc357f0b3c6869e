"""The way to a host: every hop that ProxyJump asks for, in order, worked out beforehand."""

from msgspec import Struct

from sshdash.config.destination import Destination
from sshdash.config.resolver import ResolvedHost, Resolver
from sshdash.errors import ConnectError

_MAX_HOPS = 16


class Hop(Struct, frozen=True):
    """One connection on the way, the last hop being the host itself."""

    key: str
    """The name its connection is kept under."""
    resolved: ResolvedHost

    @property
    def name(self) -> str:
        """Return the hop's name as the configuration has it."""
        return self.resolved.alias


Route = tuple[Hop, ...]


class RoutePlanner:
    """Works out routes; hops are resolved without the command line's ``-o``, as ssh does."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._hop_resolver = Resolver(resolver.source.of_files_alone())

    def plan(self, destination: Destination) -> Route:
        """Return the hops to `destination`, itself last.

        Raises ConfigError for a configuration that does not parse, ConnectError for a
        ProxyJump that leads back to a host on the way.
        """
        return self._plan(destination, self._resolver, ())

    def _plan(self, destination: Destination, resolver: Resolver, above: tuple[str, ...]) -> Route:
        key = str(destination)
        if key in above or len(above) >= _MAX_HOPS:
            raise ConnectError(
                "ProxyJump leads in a circle",
                detail=" → ".join((*above, key)),
                hint="give one of them ProxyJump none",
                host=above[0] if above else key,
            )
        resolved = resolver.resolve(destination)
        before: Route = ()
        for jump in resolved.proxy_jump:
            before = self._extend(before, jump, (*above, key))
        return (*before, Hop(key, resolved))

    def _extend(self, before: Route, jump: Destination, above: tuple[str, ...]) -> Route:
        """Return `before` and then `jump`, under its own name where that leads the same way."""
        own = self._plan(jump, self._hop_resolver, above)
        if not before:
            return own
        here = (*before, Hop(str(jump), own[-1].resolved))
        if [hop.key for hop in own] == [hop.key for hop in here]:
            return here
        return (*before, Hop(f"{jump} via {before[-1].key}", own[-1].resolved))
