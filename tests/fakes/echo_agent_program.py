"""The EchoAgent as a program, which a supervisor starts in place of the agent, with the agent's arguments."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # supervisors start agents without PYTHONPATH

from tests.fakes.echo_agent import EchoAgent


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    given, _ = parser.parse_known_args()
    agent = EchoAgent(given.folder / "agent.sock")
    await agent.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
