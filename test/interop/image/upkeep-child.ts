/*
 * A program to be killed: says `ready`, waits for a line, then imports, prunes or verifies, and says what came of it.
 *   upkeep-child.ts import REPOSITORY KEYS SOURCE | prune REPOSITORY | verify REPOSITORY
 */
import { once } from 'node:events'
import { importDirectory } from '../../../src/image/import-directory.ts'
import { openSigningKey } from '../../../src/image/signing-key.ts'
import { describeDamage } from '../../../src/image/upkeep/damage.ts'
import { pruneRepository } from '../../../src/image/upkeep/prune-repository.ts'
import { verifyRepository } from '../../../src/image/upkeep/verify-repository.ts'

const [work, directory = '', keys = '', source = ''] = process.argv.slice(2)
const repository = { directory }
process.stdout.write('ready\n')
await once(process.stdin, 'data')
if (work === 'import') {
  await importDirectory(repository, source, { image: 'debian', signingKey: await openSigningKey(keys) })
} else if (work === 'prune') await pruneRepository(repository, { graceMs: 0, rewriteFrom: 0.05 })
else for (const damage of (await verifyRepository(repository)).damages) console.log(describeDamage(damage))
process.stdout.write('done\n')
process.exit(0)
