"""The first words: what answers is no SSH server, or not now."""

import asyncio
import socket

from tests.live.failures.catalogue import failure
from tests.live.failures.scene import HASTY, Scene, Told
from tests.servers.hostile import babbles, closes, dribbles, says_http, says_nothing

GREETING = "The greeting"


@failure(GREETING, "A web server answers")
async def web_server(scene: Scene) -> Told:
    return await scene.attempt(await scene.service(says_http))


@failure(GREETING, "A server of another kind answers")
async def mail_server(scene: Scene) -> Told:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP ready\r\n")
        await reader.readline()
        writer.write(b"500 unrecognized command\r\n")
        await writer.drain()

    return await scene.attempt(await scene.service(greet))


@failure(GREETING, "The greeting never comes")
async def silent(scene: Scene) -> Told:
    return await scene.attempt(await scene.service(says_nothing), settings=HASTY)


@failure(GREETING, "The greeting dribbles in and never ends")
async def dribbling(scene: Scene) -> Told:
    return await scene.attempt(await scene.service(dribbles), settings=HASTY)


@failure(GREETING, "Endless lines come before the greeting")
async def babbling(scene: Scene) -> Told:
    return await scene.attempt(await scene.service(babbles))


@failure(GREETING, "The server only speaks SSH 1")
async def ssh_1(scene: Scene) -> Told:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-1.5-Cisco-1.25\r\n")
        await reader.readline()

    return await scene.attempt(await scene.service(greet))


@failure(GREETING, "The connection is closed before any greeting")
async def closed_at_once(scene: Scene) -> Told:
    return await scene.attempt(await scene.service(closes))


@failure(GREETING, "The server has as many logins waiting as MaxStartups allows")
async def max_startups(scene: Scene) -> Told:
    server = scene.sshd(maxstartups="1")
    with socket.create_connection(("127.0.0.1", server.port)) as first:
        await asyncio.to_thread(first.recv, 4)  # sshd counts it from its greeting on
        return await scene.attempt(server.config_file, "sshd")
