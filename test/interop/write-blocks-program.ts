/** Writes blocks as the order in its environment says, until it is done or killed. */
import { writeBlocks } from '../../src/agent/blocks/write-blocks.ts'
import { parsePublicKey } from '../../src/image/signing-key.ts'

const { imagePublicKeyPem, ...order } = JSON.parse(process.env.ORDER!)
await writeBlocks({ ...order, imagePublicKey: parsePublicKey(imagePublicKeyPem, 'of the order') })
