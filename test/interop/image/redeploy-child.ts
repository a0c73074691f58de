// Makes a filesystem another version, as its input says; to be killed.
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type WriteTreeOptions, writeTree } from '../../../src/agent/write-tree.ts'

const { pem, ...order } = JSON.parse(readFileSync(0, 'utf8')) as Omit<WriteTreeOptions, 'imagePublicKey'> & {
  pem: string
}
await writeTree({ ...order, imagePublicKey: createPublicKey(pem), reuse: {} })
