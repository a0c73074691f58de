import { randomUUID } from 'node:crypto'
import { writeIdentity } from '../../src/agent/identity/write-identity.ts'
import { parseMac } from '../../src/bytes/mac.ts'

/** What the agent's step identity does to a tree that it has written. */
export async function giveIdentity(directory: string, uuid: string): Promise<void> {
  const root = {
    device: '/dev/sda3',
    number: 3,
    partitionGuid: randomUUID(),
    type: 'ext4',
    uuid,
    content: 'made',
  } as const
  const facts = {
    machineName: 'bench-1',
    bootMac: parseMac('52:54:00:00:00:01'),
    firmware: 'bios' as const,
    filesystems: { root: { ...root, state: 'mounted' as const, keptPaths: [] }, others: [] },
    server: 'http://10.0.0.1:4280',
    proofToken: `${randomUUID()}.proof`,
  }
  await writeIdentity(directory, facts, new AbortController().signal)
}
