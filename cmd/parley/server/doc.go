// Package server is Parley running: it puts the parts together, listens, takes new settings, and goes away in order.
//
// It promises:
//
//  1. New takes its addresses before anything is started, so that a port in use is an error at once. It waits a second
//     for the store of durable topics; one that takes longer, such as on a full disk, is opened while all else is
//     served.
//  2. Reload replaces keys, limits, tenants, certificates, protocols and where each is spoken, and drops no connection.
//     A configuration that cannot be used changes nothing; the log names settings that need a restart.
//  3. Drain makes /readyz say 503, lets no connection in, closes those that are there within the drain time in their
//     dialects' words, and answers backends until the end; each answer says that its connection closes.
//  4. Health, metrics, the OpenAPI document and operators' calls are on the internal address alone; only dev mode puts
//     them on the public one. Further listeners have sockets and the calls of clients, and no calls of backends.
//  5. A dialect is one thing to the engine, whatever address, host or path its connections come by; on a path that
//     several share the first frame decides.
//  6. The listener says which tenant a connection belongs to, else a Host that is configured, else the key of its
//     token; the client never does.
//
// It asks for a configuration without problems. It reads no file but certificates, and does not know which protocols
// there are, nor a message of any dialect: they are those of config.Config.Protocols.
package server
