# Around the Python class of the Valtronics document, which is as printed. A pong says that the subscriptions are in force;
# it ends when stdin ends.
import asyncio
import json
import os
import sys
from datetime import datetime

import websockets

#CLIENT#


async def run():
    client = ValtronicsWebSocketClient(os.environ["PARLEY_TEST_URL"], os.environ["PARLEY_TEST_TOKEN"])
    handle = client.handle_message

    async def watch(data):
        await handle(data)
        if data.get("type") == "pong":
            print("READY")

    client.handle_message = watch
    await client.connect()
    await client.subscribe("telemetry", {"device_id": 1})
    await client.subscribe("alerts", {"severity": ["critical", "warning"]})
    await client.subscribe("devices")
    await client.ping()
    listening = asyncio.create_task(client.listen())
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await client.disconnect()
    await listening


asyncio.run(run())
