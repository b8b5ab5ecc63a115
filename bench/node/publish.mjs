// The HTTP call by which both servers are published to: POST /publish?to=NAME with a body of at most 64 KiB.
import { createServer } from 'node:http'

const longest = 65535 // bytes

// serve listens on 127.0.0.1 at the port that is the first argument. publish(name, body) returns how many it reached,
// or a promise of it.
export function serve (publish) {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost')
    if (request.method !== 'POST' || pathname !== '/publish') return answer(response, 404, 'only POST /publish is here')
    read(request, async body => {
      if (body === undefined) return answer(response, 413, `a body may have ${longest} bytes`)
      answer(response, 200, String(await publish(searchParams.get('to'), body)))
    })
  })
  server.keepAliveTimeout = 120_000 // ms; a publisher's connection outlives its pauses
  server.listen(Number(process.argv[2]), '127.0.0.1', () => {
    console.log(`serving address=127.0.0.1:${server.address().port}`)
  })
  return server
}

function answer (response, status, text) {
  response.writeHead(status, { 'Content-Length': Buffer.byteLength(text) })
  response.end(text)
}

// read gives done the whole body, or undefined when it is too long.
function read (request, done) {
  const pieces = []
  let length = 0
  request.on('data', piece => {
    length += piece.length
    if (length <= longest) pieces.push(piece)
  })
  request.on('end', () => done(length > longest ? undefined : pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)))
}
