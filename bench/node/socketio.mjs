// Socket.IO as a publisher's server. A client names what it listens to in the data of its CONNECT packet, {"to":[NAME...]},
// and each NAME is a room. Only WebSockets, no compression, and no first HTTP request kept per client, as its
// documentation advises for many clients.
import { Server } from 'socket.io'
import { serve } from './publish.mjs'

// After so many publishes one waits for the sockets, whose queues know no bound.
const window = 64

const server = serve(publish)
const io = new Server(server, { transports: ['websocket'], serveClient: false, perMessageDeflate: false, maxHttpBufferSize: 65536 })

io.engine.on('connection', client => { client.request = null })

io.on('connection', socket => {
  const { to } = socket.handshake.auth
  if (!Array.isArray(to) || to.length > 100 || !to.every(name => typeof name === 'string')) return socket.disconnect(true)
  socket.join(to)
})

let published = 0

function publish (name, body) {
  const room = io.of('/').adapter.rooms.get(name)
  if (room === undefined) return 0
  io.to(name).emit('event', JSON.parse(body))
  const count = room.size
  return ++published % window === 0 ? drained(room).then(() => count) : count
}

// drained waits until the sockets of a room have given everything to the kernel, or closed.
function drained (room) {
  const full = []
  for (const id of room) {
    const { conn } = io.of('/').sockets.get(id)
    if (conn.writeBuffer.length > 0) {
      full.push(new Promise(resolve => {
        const done = () => { conn.off('drain', done); conn.off('close', done); resolve() }
        conn.on('drain', done)
        conn.on('close', done)
      }))
    }
  }
  return Promise.all(full)
}
