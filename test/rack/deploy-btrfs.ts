import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { keyLines, readIdentity } from '../../src/cli/rack/identity.ts'
import { makeRendition } from '../../src/cli/rack/make-rendition.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'

export const rackCase: RackCase = {
  name: 'deploy-btrfs',
  describe:
    'a BIOS machine receives a version into a new btrfs and boots a snapshot of it, /home in a subvolume of its own',
  set: 'long',
  prepare: (supplies, log) => makeRendition(supplies, supplies.image, { name: 'btrfs' }, log),
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'btrfs-1', firmware: 'bios' })
  const id = await site.deploy(machine, { rendition: 'btrfs', layout: 'versions' })
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'proved')
  const shell = await site.logIn(machine)
  const identity = await readIdentity(shell)
  assert.equal(identity.hostName, 'btrfs-1')
  assert.deepEqual(identity.hostKeys, keyLines(deployment.sshHostKeys), 'the host keys are those the agent reported')
  assert.deepEqual(deployment.keptVersions, [deployment.version])
  const mounted = (path: string) => shell.run(`findmnt -no FSROOT ${path}`)
  assert.equal(await mounted('/'), `/bootwright/systems/${id}/root`)
  assert.equal(await mounted('/home'), '/home')
  assert.equal(await mounted('/boot/grub'), '/bootwright/grub')
  assert.equal(await shell.run('echo $HOME; stat -c %U $HOME'), '/home/operator\noperator', 'it has what the image had')
  return caseFigures(deployment, secondsToAgent)
}
