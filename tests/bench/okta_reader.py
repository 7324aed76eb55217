"""Reads the bytes of an Okta organisation, looks at the next link alone; a process of its own."""

import asyncio
import json
import sys
import time
from urllib.parse import quote

import aiohttp

EVERYBODY = quote('lastUpdated gt "1970-01-01T00:00:00.000Z"')


async def read_bytes(url: str, token: str, at_once: int) -> int:
    """Read users, groups and the members of each; return how many bytes came."""
    headers = {"Authorization": f"SSWS {token}", "Accept": "application/json"}
    size = 0
    async with aiohttp.ClientSession(headers=headers) as session:

        async def follow(path: str) -> list[bytes]:
            nonlocal size
            following: str | None = f"{url}/api/v1/{path}"
            bodies = []
            while following is not None:
                async with session.get(following) as answer:
                    body = await answer.read()
                size += len(body)
                bodies.append(body)
                link = answer.links.get("next")
                following = str(link["url"]) if link is not None else None
            return bodies

        users = asyncio.create_task(follow(f"users?limit=200&filter={EVERYBODY}"))
        if at_once == 1:
            await users
        listed = [json.loads(body) for body in await follow("groups?limit=200")]
        waiting = iter([each["id"] for page in listed for each in page])

        async def work() -> None:
            for group in waiting:
                await follow(f"groups/{group}/users?limit=1000")

        await asyncio.gather(users, *(work() for _ in range(at_once)))
    return size


if __name__ == "__main__":
    begun, started = time.perf_counter(), time.process_time()
    found = asyncio.run(read_bytes(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    worked = time.process_time() - started
    print(f"{time.perf_counter() - begun:.3f} {worked:.3f} {found / 1e6:.0f} MB")
