// Around the snippet of the dashboard's document: the page that it expects, and an end when stdin ends.
globalThis.location = { protocol: "http:", host: process.env.PARLEY_TEST_HOST };

/*CLIENT*/

process.stdin.on("end", () => {
  ws.onclose = null; // it would call connect(), which the document does not have
  ws.close();
});
process.stdin.resume();
