import type { KeyObject } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { obtainVersion } from '../../src/agent/btrfs/obtain-version.ts'
import { ensureRendition } from '../../src/image/renditions/ensure-rendition.ts'
import { LoopMount } from '../../src/image/renditions/loop-mount.ts'
import type { Repository } from '../../src/image/repository.ts'
import { runProgram } from '../../src/programs/run-program.ts'

export type BtrfsMeasured = { wholeBytes: number; upgradeBytes: number; upgradeSeconds: number; sameBytes: number }

type BtrfsSetting = {
  repository: Repository
  signingKey: { privateKey: KeyObject; publicKey: KeyObject }
  image: string
  first: string
  next: string
  baseUrl: string
}

/** What an agent fetches into a btrfs: the first version, the next against it, and that once more; all of it verified. */
export async function measureBtrfs(work: string, setting: BtrfsSetting): Promise<BtrfsMeasured> {
  const { repository, signingKey, image, first, next, baseUrl } = setting
  await ensureRendition(repository, first, { name: 'btrfs' }, { signingKey })
  await ensureRendition(repository, next, { name: 'btrfs', parent: first }, { signingKey })
  const file = join(work, 'pool.img')
  await mkdir(work, { recursive: true })
  await runProgram('truncate', ['--size', '4G', file])
  await runProgram('mkfs.btrfs', ['-q', '-f', file])
  await using pool = await LoopMount.open(file, 'btrfs', 'subvolid=5')
  const obtain = (version: string) =>
    obtainVersion({
      ...{ baseUrl, image, version, pool: pool.directory, imagePublicKey: signingKey.publicKey },
      chooseParent: async (versions) => versions[0],
      inStep: async (_step, step) => (await step(() => undefined)).value,
    })
  const whole = await obtain(first)
  const startedAt = performance.now()
  const upgrade = await obtain(next)
  const upgradeSeconds = (performance.now() - startedAt) / 1000
  const same = await obtain(next)
  return {
    wholeBytes: whole.bytesFetched,
    upgradeBytes: upgrade.bytesFetched,
    upgradeSeconds,
    sameBytes: same.bytesFetched,
  }
}
