// Node's ws as a publisher's server. A client says {"subscribe":NAME} and hears {"subscribed":NAME}; what is published to
// NAME goes to all who did. The frame is made once, and one write puts it into each socket.
import { Sender, WebSocketServer } from 'ws'
import { serve } from './publish.mjs'

const most = 1 << 20 // bytes that may wait for one socket; one more and the publisher waits for it

const listeners = new Map() // a name -> the set of its sockets

const server = serve(publish)
const sockets = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 65536, clientTracking: false })

sockets.on('connection', socket => {
  const names = []
  socket.on('message', text => {
    const name = subscription(text)
    if (name === undefined || names.length === 100) return socket.close(1008, 'say {"subscribe":NAME}, at most 100 times')
    names.push(name)
    if (!listeners.has(name)) listeners.set(name, new Set())
    listeners.get(name).add(socket)
    socket.send(JSON.stringify({ subscribed: name }))
  })
  socket.on('error', () => {}) // ws closes the socket
  socket.on('close', () => names.forEach(name => leave(name, socket)))
})

function subscription (text) {
  try {
    const { subscribe } = JSON.parse(text)
    return typeof subscribe === 'string' ? subscribe : undefined
  } catch {
    return undefined
  }
}

function leave (name, socket) {
  const all = listeners.get(name)
  all?.delete(socket)
  if (all?.size === 0) listeners.delete(name)
}

function publish (name, body) {
  const all = listeners.get(name)
  if (all === undefined) return 0
  const frame = Buffer.concat(Sender.frame(body, { fin: true, opcode: 1, mask: false, readOnly: true, rsv1: false }))
  const full = []
  let count = 0
  for (const socket of all) {
    if (socket.readyState !== socket.OPEN) continue
    count++
    if (!socket._socket.write(frame) && socket._socket.writableLength > most) full.push(drained(socket._socket))
  }
  return full.length === 0 ? count : Promise.all(full).then(() => count)
}

function drained (socket) {
  return new Promise(resolve => {
    const done = () => { socket.off('drain', done); socket.off('close', done); resolve() }
    socket.on('drain', done)
    socket.on('close', done)
  })
}
