/** What AgentProcess starts for block renditions: writes, and reads back, one device when it is told to. */
import { verifyBlocks } from '../../src/agent/blocks/verify-blocks.ts'
import { type WriteBlocksResult, writeBlocks } from '../../src/agent/blocks/write-blocks.ts'
import { discardDevice } from '../../src/agent/disk/partition-disk.ts'
import { parsePublicKey } from '../../src/image/signing-key.ts'
import type { AgentMessage } from '../deploy/agent-process.ts'

export type BlocksOrder = {
  baseUrl: string
  image: string
  version: string
  rendition: string
  imagePublicKeyPem: string
  device: string
}

const { imagePublicKeyPem, ...order } = JSON.parse(process.env.ORDER!) as BlocksOrder
const imagePublicKey = parsePublicKey(imagePublicKeyPem, 'of the order')
const discard = (device: string) => discardDevice(device, AbortSignal.timeout(60_000))
let written: WriteBlocksResult | undefined

const tell = (message: AgentMessage) => process.send!(message)

process.on('message', async (command: 'write' | 'verify') => {
  try {
    if (command === 'verify') {
      await verifyBlocks({ device: order.device, blocks: written!.blocks, share: 1 })
      tell({ kind: 'verified' })
      return
    }
    const before = process.cpuUsage()
    written = await writeBlocks({ ...order, imagePublicKey, discard })
    const { user, system } = process.cpuUsage(before)
    const { bytesFetched, bytesWritten, bytesReused } = written
    tell({ kind: 'written', bytesFetched, bytesWritten, bytesReused, cpuSeconds: (user + system) / 1e6 })
  } catch (error) {
    tell({ kind: 'failed', message: (error as Error).message })
  }
})

tell({ kind: 'ready' })
