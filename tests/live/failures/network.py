"""The way to the server: names, routes, ports."""

import socket
import threading

from tests.live.failures.catalogue import failure
from tests.live.failures.scene import HASTY, Scene, Told
from tests.patience import PATIENCE
from tests.servers.ports import free_port

NETWORK = "The way there"


@failure(NETWORK, "Nothing listens on the port")
async def refused(scene: Scene) -> Told:
    return await scene.attempt(scene.web(port=free_port()))


@failure(NETWORK, "Nobody answers at all")
async def timed_out(scene: Scene) -> Told:
    listener = socket.socket()
    fillers = [socket.socket() for _ in range(4)]
    with listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        told = await scene.attempt(scene.web(port=listener.getsockname()[1]), settings=HASTY)
        for filler in fillers:
            filler.close()
    return told


@failure(NETWORK, "The name is unknown")
async def unknown_name(scene: Scene) -> Told:
    scene.names(nowhere=socket.EAI_NONAME)
    return await scene.attempt(scene.web("nowhere.example"))


@failure(NETWORK, "The name server does not answer, and says so")
async def name_server_gone(scene: Scene) -> Told:
    scene.names(nowhere=socket.EAI_AGAIN)
    return await scene.attempt(scene.web("nowhere.example"))


@failure(NETWORK, "The name server is silent until ConnectTimeout")
async def name_server_silent(scene: Scene) -> Told:
    release = threading.Event()
    real = socket.getaddrinfo

    def look_up(host: str, *rest: object, **options: object) -> object:
        if host == "nowhere.example" and not options.get("flags"):
            release.wait(2 * PATIENCE)
            raise socket.gaierror(socket.EAI_AGAIN, "too late")
        return real(host, *rest, **options)  # type: ignore[arg-type]

    scene.monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        return await scene.attempt(scene.web("nowhere.example"), settings=HASTY)
    finally:
        release.set()


@failure(NETWORK, "There is no route to the address")
async def no_route(scene: Scene) -> Told:
    return await scene.attempt(scene.web("255.255.255.255"))


@failure(NETWORK, "The host only has IPv6 addresses, and there is no IPv6 here")
async def only_ipv6(scene: Scene) -> Told:
    scene.names(six="ff0e::7357")
    return await scene.attempt(scene.web("six.example"))


@failure(NETWORK, "AddressFamily leaves no address of the name")
async def wrong_family(scene: Scene) -> Told:
    return await scene.attempt(scene.web(more="    AddressFamily inet6\n"))
