// An agent that obtains a version, to be killed: says when it begins, and answers with what it did.
import { createPublicKey } from 'node:crypto'
import { obtainVersion } from '../../../src/agent/btrfs/obtain-version.ts'

const [baseUrl, version, pool, publicKey] = process.argv.slice(2) as [string, string, string, string]
process.stdout.write('begins\n')
await obtainVersion({
  ...{ baseUrl, image: 'nasty', version, pool },
  imagePublicKey: createPublicKey(publicKey),
  chooseParent: async (versions) => versions[0],
  inStep: async (_step, work) => (await work(() => undefined)).value,
})
