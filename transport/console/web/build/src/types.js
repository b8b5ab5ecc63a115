// What the server answers, as transport/console and openapi.json have it.
export const figures = [
    "connections",
    "published",
    "delivered",
    "p50",
    "p99",
    "queued",
    "dropped",
    "missed",
    "memory",
];
