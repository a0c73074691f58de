import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { readIdentity } from '../../src/cli/rack/identity.ts'
import { makeRendition } from '../../src/cli/rack/make-rendition.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { FilesystemType } from '../../src/core/layout.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

const agentTimeoutMs = 3 * 60_000

export const rackCase = volumeCase('ext4', 'bios')

/** A machine is given a volume, logged in to, and given the same again, of which it fetches little. */
export function volumeCase(filesystem: FilesystemType, firmware: 'bios' | 'uefi'): RackCase {
  return {
    name: `deploy-volume-${filesystem}`,
    describe: `a ${firmware.toUpperCase()} machine gets the ${filesystem} volume twice: grown, logged in to, and compared before it is fetched again`,
    set: 'long',
    prepare: (supplies, log) => makeRendition(supplies, supplies.image, { name: 'volume', filesystem }, log),
    run: async (site) => {
      const machine = await site.addMachine({ name: `volume-${filesystem}`, firmware })
      const first = await deployVolume(site, machine, filesystem, () => machine.powerOn())
      const shell = await site.logIn(machine)
      const { hostName } = await readIdentity(shell)
      assert.equal(hostName, machine.spec.name)
      const megabytes = Number(await shell.run('df -BM --output=size / | tail -1 | tr -dc 0-9'))
      assert.ok(megabytes > 3000, `the root has ${megabytes} MiB of a disk of 4 GiB`)

      const second = await deployVolume(site, machine, filesystem, () => machine.reset())
      site.log(`fetched ${first.bytesFetched}, then ${second.bytesFetched} bytes`)
      assert.ok(second.bytesFetched < first.bytesFetched / 2, 'most of it was there already')
      await readIdentity(await site.logIn(machine))
      return first
    },
  }
}

async function deployVolume(
  site: RackSite,
  machine: RackMachine,
  filesystem: FilesystemType,
  start: () => Promise<void>,
): Promise<CaseFigures> {
  const id = await site.deploy(machine, { rendition: 'volume', filesystem })
  const startedAt = Date.now()
  machine.console.skipToNow()
  await start()
  const agent = await site.timeline.waitFor((event) => event.kind === 'agent' && event.at >= startedAt, {
    timeoutMs: agentTimeoutMs,
    what: 'the agent',
  })
  return caseFigures(await site.awaitState(id, 'proved'), (agent.at - startedAt) / 1000)
}
