/** What AgentProcess starts: writes, and verifies, one tree when it is told to. */
import { BegunTree } from '../../src/agent/begun-tree.ts'
import { verifyTree } from '../../src/agent/verify-tree.ts'
import { writeTree } from '../../src/agent/write-tree.ts'
import { parsePublicKey } from '../../src/image/signing-key.ts'
import type { AgentMessage, AgentOrder } from './agent-process.ts'

const order = JSON.parse(process.env.ORDER!) as AgentOrder
const { baseUrl, image, version, imagePublicKeyPem, directory, reuse } = order
const imagePublicKey = parsePublicKey(imagePublicKeyPem, 'of the order')
const options = { baseUrl, image, version, imagePublicKey, targetDirectory: directory }

const begun = order.isBegun ? new BegunTree(options) : undefined
const bytesBegun = begun ? await begun.locations.then(() => begun.source.bytesFetched) : 0

const tell = (message: AgentMessage) => process.send!(message)

process.on('message', async (command: 'write' | 'verify') => {
  try {
    if (command === 'verify') {
      await verifyTree(options)
      tell({ kind: 'verified' })
      return
    }
    const before = process.cpuUsage()
    const { bytesFetched, ...counts } = await writeTree({ ...options, reuse }, begun)
    const { user, system } = process.cpuUsage(before)
    tell({ kind: 'written', ...counts, bytesFetched: bytesFetched - bytesBegun, cpuSeconds: (user + system) / 1e6 })
  } catch (error) {
    tell({ kind: 'failed', message: (error as Error).message })
  }
})

tell({ kind: 'ready' })
