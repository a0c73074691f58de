import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { temporaryDirectory } from '../../image/nasty-tree.fixture.ts'
import { ensureRendition } from '../../image/renditions/ensure-rendition.ts'
import { importDisk } from '../../image/renditions/import-disk.ts'
import { openRepository } from '../../image/repository.ts'
import { openSigningKey } from '../../image/signing-key.ts'
import { chunkBytes } from '../../image/tree.ts'
import { VersionServer } from '../version-server.fixture.ts'

export const diskBytes = 96 * 2 ** 20 + 512 * 3

/** A disk with data at its start, across borders of rows and windows, twice the same, and in its last sector. */
function makeDisk(file: string): void {
  const fd = fs.openSync(file, 'w')
  fs.ftruncateSync(fd, diskBytes)
  const put = (bytes: Buffer, at: number) => fs.writeSync(fd, bytes, 0, bytes.length, at)
  put(randomBytes(3_000_000), 0)
  put(randomBytes(chunkBytes), chunkBytes * 40 + 4096)
  put(randomBytes(9_000_000), 32 * 2 ** 20 - 1_000_000)
  const twice = randomBytes(chunkBytes)
  put(twice, chunkBytes * 300)
  put(twice, chunkBytes * 301)
  put(twice, chunkBytes * 60)
  put(randomBytes(512), diskBytes - 512)
  fs.closeSync(fd)
}

/** A repository with a disk's rendition, served, and a file full of somebody else's bytes as the device. */
export async function setUpDisk(t: TestContext) {
  const directory = temporaryDirectory(t)
  const raw = path.join(directory, 'raw')
  makeDisk(raw)
  const repository = await openRepository(path.join(directory, 'repository'))
  const signingKey = await openSigningKey(path.join(directory, 'keys'))
  const version = await importDisk(repository, raw, { image: 'appliance', signingKey })
  const { blocks } = await ensureRendition(repository, version.id, { name: 'disk' }, { signingKey })
  const server = await new VersionServer(repository.directory).start()
  t.after(() => server.stop())
  const device = path.join(directory, 'device')
  const garbage = Buffer.alloc(diskBytes + 4096, 'garbage')
  const behind = garbage.subarray(diskBytes)
  fs.writeFileSync(device, garbage)
  const order = { image: 'appliance', version: version.id, imagePublicKey: signingKey.publicKey }
  const options = { baseUrl: server.baseUrl, ...order, rendition: 'disk', device }
  /** The device is the disk, byte by byte, and what lies behind it is as it was. */
  const isWritten = () => {
    const bytes = fs.readFileSync(device)
    return bytes.subarray(0, diskBytes).equals(fs.readFileSync(raw)) && bytes.subarray(diskBytes).equals(behind)
  }
  return { directory, raw, repository, signingKey, version, blocks, server, device, options, isWritten }
}
