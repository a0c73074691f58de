import { filesMounts, usualTftpRoots } from '../../../src/boot/tree.ts'
import { openBlockingSocket } from '../../../src/net/blocking-socket.ts'
import { serveTftp } from '../../../src/tftp/server.ts'

/*
 * Serves a directory: serve.ts INTERFACE ADDRESS DIRECTORY LOSS. LOSS (0 to 1) of all packets, both ways, are lost in
 * an order that is the same every time. Prints "listening", then each event as a line of JSON.
 */

const [name = '', address = '', directory = '', loss = '0'] = process.argv.slice(2)

let state = 1
function isLost(): boolean {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return state / 2 ** 32 < Number(loss)
}

await serveTftp({
  places: [{ interface: name, address }],
  tree: filesMounts(directory, [], usualTftpRoots),
  onEvent: (event) => console.log(JSON.stringify(event)),
  onListening: () => console.log('listening'),
  openSocket: (options) => {
    const socket = openBlockingSocket(options)
    if (Number(loss) === 0) return socket
    return {
      fd: socket.fd,
      port: socket.port,
      receive: (onDatagram) => {
        socket.receive((...datagram) => {
          if (!isLost()) onDatagram(...datagram)
        })
      },
      send: (...datagram) => {
        if (!isLost()) socket.send(...datagram)
      },
      flush: () => socket.flush(),
      close: () => socket.close(),
    }
  },
  signal: new AbortController().signal,
})
