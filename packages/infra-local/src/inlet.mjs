// Runs inside the network namespace of a cluster and takes connections there. Each one is handed to the parent as a file
// descriptor, so that no byte passes through here; it ends with the parent.
// Plain JavaScript, so that a bare `node` runs it from the sources and from the package alike.
import net from 'node:net'

const server = net.createServer({ pauseOnConnect: true }, (socket) => {
  socket.on('error', () => {})
  process.send?.({ accepted: true }, socket, (/** @type {Error | null} */ error) => {
    if (error) socket.destroy()
  })
})
server.once('error', (error) => {
  process.send?.({ failed: error.message }, () => process.exit(1))
})
server.listen(0, process.argv[2], () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') process.send?.({ port: address.port })
})

process.on('disconnect', () => process.exit())
