// Around the JavaScript class of the Valtronics document. The class is as printed; what it leaves to its user is here:
// handleAuthResponse, which it calls and lacks, is the document's own; subscribing waits for the answer to auth, since the
// class drops what is sent before the socket is open; a pong says that the subscriptions are in force.
/*CLIENT*/

function refreshToken() {
  console.log("GOT a request to refresh the token");
}

const client = new ValtronicsWebSocket(process.env.PARLEY_TEST_URL, process.env.PARLEY_TEST_TOKEN);
client.handleAuthResponse = (data) => {
  handleAuthResponse(data);
  if (process.env.PARLEY_TEST_SUBSCRIBE) {
    client.subscribe("telemetry", { device_id: 1 });
    client.subscribe("alerts", { severity: ["critical", "warning"] });
    client.subscribe("devices");
  }
  client.send({ type: "ping" });
};
const handleMessage = client.handleMessage.bind(client);
client.handleMessage = (data) => {
  handleMessage(data);
  if (data.type === "pong") console.log("READY");
};
client.onTelemetryUpdate = (data) => console.log("GOT telemetry", JSON.stringify(data.telemetry));
client.onAlert = (data) => console.log("GOT alert", data.title);
client.onDeviceStatusUpdate = (data) => console.log("GOT status", data.old_status, "->", data.new_status);
client.connect();

process.stdin.on("end", () => {
  client.maxReconnectAttempts = 0; // disconnect() would connect again
  client.disconnect();
});
process.stdin.resume();
