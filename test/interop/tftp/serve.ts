import { openUdpSocket } from '../../../src/net/udp-socket.ts'
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
  interface: name,
  address,
  tree: [{ at: '', directory }],
  onEvent: (event) => console.log(JSON.stringify(event)),
  onListening: () => console.log('listening'),
  openSocket: async (options) => {
    const socket = await openUdpSocket(options)
    if (Number(loss) === 0) return socket
    const [send, emit] = [socket.send, socket.emit]
    socket.send = ((...values: Parameters<typeof send>) => {
      if (!isLost()) send.apply(socket, values)
    }) as typeof socket.send
    socket.emit = ((event: string, ...values: unknown[]) => {
      return event === 'message' && isLost() ? true : emit.call(socket, event, ...values)
    }) as typeof socket.emit
    return socket
  },
  signal: new AbortController().signal,
})
