// A dashboard page of our own: it connects without a token, and says what it hears.
const ws = new WebSocket(`ws://${location.host}/api/v2/dashboard/ws`);
const heard = {
  connected: (message) => console.log("Client ID:", message.client_id),
  project_updated: (message) => console.log("Updated:", message.project_name),
};
ws.addEventListener("open", () => console.log("Connected"));
ws.addEventListener("message", ({ data }) => {
  const message = JSON.parse(data);
  heard[message.event]?.(message);
});
