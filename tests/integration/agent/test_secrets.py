"""What must stay secret is in no file, argument or environment that a program of the desktop could read."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from display_server.config import Config, VideoConfig, video_network_settings, video_settings
from display_server.desktop.video_settings import TurnServer, VideoNetworkSettings, VideoSettings
from display_server.gateway.video_network import VideoNetwork
from tests.fakes.host_channel import open_host_channel
from tests.fakes.viewer import SECRET, FakeViewer
from tests.integration.agent.test_process import AgentProcess, agent_process

TURN_SECRET = "a secret of the TURN server"
NETWORK = VideoNetworkSettings(["127.0.0.1"], turn=TurnServer(["turn:192.0.2.1:3478"], TURN_SECRET))
#: `economy` connects at once, and not only when something moves.
VIDEO = VideoSettings(policy="economy", addresses=["127.0.0.1"], relays=True)


@contextlib.asynccontextmanager
async def host_channel(running: AgentProcess, viewer: str) -> AsyncIterator[None]:
    network = VideoNetwork(NETWORK)
    channel = open_host_channel(running.folder / "host.sock", SECRET, viewer, lambda: network)
    try:
        yield
    finally:
        channel.close()


def readable_places(running: AgentProcess) -> dict[str, bytes]:
    """Returns the content of all files of the desktop, and of arguments and environments of its processes."""
    found = {
        str(path): path.read_bytes()
        for path in running.folder.rglob("*")
        if path.is_file() and "framebuffer" not in path.parts
    }
    for process in (running.process, running.server.process):
        for name in ("cmdline", "environ"):
            path = Path("/proc", str(process.pid), name)
            found[str(path)] = path.read_bytes()
    return found


async def test_secrets_are_in_memory_only() -> None:
    async with agent_process(video=VIDEO) as running:
        async with (
            host_channel(running, "one"),
            host_channel(running, "two"),
            FakeViewer(running.socket, name="one", video=True) as one,
            FakeViewer(running.socket, name="two", video=True) as two,
        ):
            for viewer in (one, two):
                await viewer.until(lambda viewer=viewer: bool(viewer.received("peer")))  # type: ignore[misc]
            servers = [viewer.received("peer")[0]["servers"][0] for viewer in (one, two)]
            assert servers[0]["credential"] != servers[1]["credential"]
            assert [server["username"].partition(":")[2] for server in servers] == ["one", "two"]
            seed = one.received("welcome")[0]["digest_seed"]
            secrets = [TURN_SECRET, seed, str(int(seed, 16)), *(server["credential"] for server in servers)]
            for place, content in readable_places(running).items():
                for secret in secrets:
                    assert secret.encode() not in content, place
                if not place.endswith("spec.json"):
                    assert SECRET.encode() not in content, place
        assert (running.folder / "spec.json").stat().st_mode & 0o777 == 0o600


def test_a_specification_does_not_contain_the_secret_of_the_turn_server(tmp_path: Path) -> None:
    file = tmp_path / "turn-secret"
    file.write_text(TURN_SECRET)
    file.chmod(0o600)
    video = VideoConfig(["192.0.2.7"], turn_urls=["turn:192.0.2.1:3478"], turn_secret_file=file)
    config = Config(video=video)
    assert TURN_SECRET.encode() not in msgspec.json.encode(video_settings(config))
    assert video_settings(config).relays
    turn = video_network_settings(config).turn
    assert turn is not None
    assert turn.secret == TURN_SECRET


async def test_a_viewer_without_video_gets_no_credentials() -> None:
    video = msgspec.structs.replace(VIDEO, policy="exact")
    async with (
        agent_process(video=video) as running,
        host_channel(running, "one"),
        FakeViewer(running.socket, name="one", video=True) as viewer,
    ):
        await viewer.until_exact(running.frame())
        assert viewer.received("peer") == []
