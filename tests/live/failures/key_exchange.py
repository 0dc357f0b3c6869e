"""The two sides have nothing in common."""

from tests.live.failures.catalogue import failure
from tests.live.failures.scene import Scene, Told

KEX = "The key exchange"


@failure(KEX, "No key exchange algorithm in common")
async def kex_mismatch(scene: Scene) -> Told:
    server = scene.sshd(kexalgorithms="diffie-hellman-group14-sha1")
    options = {"KexAlgorithms": "curve25519-sha256,ecdh-sha2-nistp256"}
    return await scene.attempt(server.config_file, "sshd", options=options)


@failure(KEX, "No cipher in common")
async def cipher_mismatch(scene: Scene) -> Told:
    server = scene.sshd(ciphers="aes256-cbc,3des-cbc")
    options = {"Ciphers": "aes128-gcm@openssh.com,aes256-ctr"}
    return await scene.attempt(server.config_file, "sshd", options=options)


@failure(KEX, "No MAC in common")
async def mac_mismatch(scene: Scene) -> Told:
    server = scene.sshd(ciphers="aes128-ctr", macs="hmac-md5")
    options = {"MACs": "hmac-sha2-256"}
    return await scene.attempt(server.config_file, "sshd", options=options)


@failure(KEX, "No host key algorithm in common")
async def host_key_mismatch(scene: Scene) -> Told:
    server = scene.sshd(hostkeyalgorithms="ssh-rsa")
    options = {"HostKeyAlgorithms": "ssh-ed25519,ecdsa-sha2-nistp256"}
    return await scene.attempt(server.config_file, "sshd", options=options)
