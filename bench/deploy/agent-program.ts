/** What AgentProcess starts: writes, and verifies, one tree when it is told to. */
import { verifyTree } from '../../src/agent/verify-tree.ts'
import { writeTree } from '../../src/agent/write-tree.ts'
import { parsePublicKey } from '../../src/image/signing-key.ts'
import type { AgentMessage, AgentOrder } from './agent-process.ts'

const { baseUrl, image, version, imagePublicKeyPem, directory, reuse } = JSON.parse(process.env.ORDER!) as AgentOrder
const imagePublicKey = parsePublicKey(imagePublicKeyPem, 'of the order')
const options = { baseUrl, image, version, imagePublicKey, targetDirectory: directory }

const tell = (message: AgentMessage) => process.send!(message)

process.on('message', async (command: 'write' | 'verify') => {
  try {
    if (command === 'verify') {
      await verifyTree(options)
      tell({ kind: 'verified' })
      return
    }
    const before = process.cpuUsage()
    const counts = await writeTree({ ...options, reuse })
    const { user, system } = process.cpuUsage(before)
    tell({ kind: 'written', ...counts, cpuSeconds: (user + system) / 1e6 })
  } catch (error) {
    tell({ kind: 'failed', message: (error as Error).message })
  }
})

tell({ kind: 'ready' })
