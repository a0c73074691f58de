import { serveTftp } from '../../src/tftp/server.ts'

/* Serves a directory by TFTP, as the thread of the packet servers does. Arguments: interface, address, directory. */

const [name = '', address = '', directory = ''] = process.argv.slice(2)
await serveTftp({
  places: [{ interface: name, address }],
  tree: [{ at: '', directory }],
  onEvent: ({ kind }) => {
    if (kind !== 'sent') console.error(kind)
  },
  signal: new AbortController().signal,
})
