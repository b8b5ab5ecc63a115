// A Valtronics client of our own that speaks as the document's class does: auth is its first frame, filters stand at the top
// level of a subscribe, and what is sent before the socket is open is lost.
class ValtronicsWebSocket {
  static callbacks = { telemetry_update: "onTelemetryUpdate", alert: "onAlert", device_status_update: "onDeviceStatusUpdate" };

  constructor(url, token) {
    Object.assign(this, { url, token });
  }

  connect() {
    this.socket = new WebSocket(this.url);
    this.socket.addEventListener("open", () => this.send({ type: "auth", token: this.token }));
    this.socket.addEventListener("message", ({ data }) => this.handleMessage(JSON.parse(data)));
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  subscribe(channel, filters) {
    this.send({ type: "subscribe", channel, ...filters });
  }

  handleMessage(message) {
    if (message.type === "auth_response") this.handleAuthResponse(message);
    this[ValtronicsWebSocket.callbacks[message.type]]?.(message);
  }

  disconnect() {
    this.socket.close();
  }
}

function handleAuthResponse({ success, error, message }) {
  if (success) return;
  console.error("Authentication failed:", message);
  if (error === "invalid_token") refreshToken();
}
