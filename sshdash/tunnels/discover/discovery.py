"""Asks a host what listens on it, over the connection that is there; nothing of it is changed.

One script asks the tool that is there, `ss` first; `discover.socket_tables` reads it.
"""

import asyncio
from typing import TYPE_CHECKING

import asyncssh

from sshdash.connections.faults import explain
from sshdash.connections.script import run_script
from sshdash.errors import SessionError
from sshdash.tunnels.discover.listening import Discovered
from sshdash.tunnels.discover.socket_tables import parse_answer
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.connections.lease import Lease

_SECONDS = 20.0
_LONGEST = 1024 * 1024
"""Bytes of an answer that are read."""
_SCRIPT = rb"""
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin; export PATH
has() { command -v "$1" >/dev/null 2>&1; }
echo 'listening sockets'
set -f; set -- $SSH_CONNECTION; set +f
echo "@ssh $3 $4"
{
    if has ss && echo @ss && ss -ltnp; then echo '@via ss'
    elif [ -r /proc/net/tcp ]; then
        echo @netstat; has netstat && netstat -ltnp && echo '@via netstat'
        echo @proc; grep -h ' 0A ' /proc/net/tcp /proc/net/tcp6; echo '@via /proc/net/tcp'
    else
        echo @sockstat; has sockstat && sockstat -46l -P tcp && echo '@via sockstat'
        echo @lsof; has lsof && lsof +c 0 -nP -iTCP -sTCP:LISTEN -F pctn && echo '@via lsof'
        echo @netstat; has netstat && { netstat -anW || netstat -an; } | grep '^tcp.*LISTEN' &&
            echo '@via netstat'
    fi
    for socket in /run/docker.sock /run/podman/podman.sock "$XDG_RUNTIME_DIR/podman/podman.sock" \
        "$XDG_RUNTIME_DIR/docker.sock" /run/containerd/containerd.sock \
        /run/postgresql/.s.PGSQL.5432 /tmp/.s.PGSQL.5432 \
        /run/mysqld/mysqld.sock /var/lib/mysql/mysql.sock /tmp/mysql.sock \
        /run/redis/redis.sock /run/redis/redis-server.sock
    do
        [ -S "$socket" ] && [ -w "$socket" ] && echo "@socket $socket"
    done
    [ -L /var/run ] || for socket in /var/run/docker.sock /var/run/postgresql/.s.PGSQL.5432 \
        /var/run/mysqld/mysqld.sock
    do
        [ -S "$socket" ] && [ -w "$socket" ] && echo "@socket $socket"
    done
} 2>/dev/null
echo @end
"""
"""Unix sockets are listed where this account may use them."""
_TITLE = "What listens there cannot be told"
_INSTALL = "install ss (iproute2) there, or add the forward by its port"
_BY_HAND = "add the forward by its port instead"


async def discover(lease: "Lease") -> Discovered:
    """Return what listens on the host of a lease.

    Raises SessionError where the host does not tell, ConnectionLost.
    """
    host = lease.host
    try:
        async with asyncio.timeout(_SECONDS):
            answer = await run_script(lease, _SCRIPT, _LONGEST)
    except TimeoutError:
        raise SessionError(
            _TITLE, f"no answer within {_SECONDS:.0f} s", _BY_HAND, host=host
        ) from None
    except (asyncssh.Error, OSError) as error:
        raise explain(error, host, "ask what listens") from error
    # A thousand lines take longer than a frame.
    found = await asyncio.to_thread(parse_answer, answer, len(answer) <= _LONGEST)
    if found is None:
        said = clean(answer.strip(), 200)
        detail = f"it runs no sh for this; it said: {said}" if said else "it runs no sh for this"
        raise SessionError(_TITLE, detail, _BY_HAND, host=host)
    if not found.via and not found.listening:
        raise SessionError(
            _TITLE,
            "the host has neither ss, netstat, lsof nor a /proc that can be read",
            _INSTALL,
            host=host,
        )
    return found
