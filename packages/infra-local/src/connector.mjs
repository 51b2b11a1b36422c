// Runs inside the network namespace of a cluster and makes connections there. A socket belongs to the namespace in which it
// was made, wherever it is used: each one is handed to the parent as a file descriptor, so that no byte passes through here.
// Plain JavaScript, so that a bare `node` runs it from the sources and from the package alike.
import net from 'node:net'

/** @type {Map<number, net.Socket>} */
const pending = new Map()

process.on('message', (/** @type {{ id: number, address?: string, port?: number }} */ { id, address, port }) => {
  if (address === undefined || port === undefined) {
    pending.get(id)?.destroy() // the parent has given up
    pending.delete(id)
    return
  }
  const socket = new net.Socket()
  pending.set(id, socket)
  socket.pause() // what the far side says first (SSH does) must be read by the parent
  socket.once('error', (error) => {
    pending.delete(id)
    process.send?.({ id, code: /** @type {NodeJS.ErrnoException} */ (error).code, reason: error.message })
  })
  socket.once('connect', () => {
    pending.delete(id)
    process.send?.({ id }, socket)
  })
  socket.setNoDelay(true)
  socket.connect({ host: address, port })
})

process.on('disconnect', () => process.exit())
