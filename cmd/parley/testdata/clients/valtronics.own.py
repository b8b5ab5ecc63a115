class ValtronicsWebSocketClient:
    """A client of our own that speaks as the document's class does: it takes the first answer for the answer to its auth."""

    def __init__(self, url, token):
        self.url, self.token = url, token

    async def say(self, **message):
        await self.websocket.send(json.dumps(message))

    async def connect(self):
        self.websocket = await websockets.connect(self.url)
        await self.say(type="auth", token=self.token)
        answer = json.loads(await self.websocket.recv())
        if answer.get("type") != "auth_response" or not answer.get("success"):
            sys.exit(f"not let in: {answer}")
        print("Authentication successful")
        print("WebSocket connected successfully")

    async def subscribe(self, channel, filters=None):
        await self.say(type="subscribe", channel=channel, **({"filters": filters} if filters else {}))

    async def ping(self):
        await self.say(type="ping", timestamp=datetime.now().isoformat())

    async def listen(self):
        async for text in self.websocket:
            await self.handle_message(json.loads(text))

    async def handle_message(self, message):
        get = message.get
        if get("type") == "telemetry_update":
            print(f"Telemetry update for device {get('device_id')}: {get('telemetry')}")
        elif get("type") == "alert":
            print(f"Alert [{get('severity')}]: {get('title')} (ID: {get('alert_id')})")
        elif get("type") == "device_status_update":
            print(f"Device {get('device_id')} status changed: {get('old_status')} -> {get('new_status')}")

    async def disconnect(self):
        await self.websocket.close()
