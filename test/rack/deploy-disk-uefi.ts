import type { RackCase } from '../../src/cli/rack/case.ts'
import { deployQcow2, qcow2Recipe } from '../../src/cli/rack/deploy-qcow2.ts'
import { prepareRecipe } from '../../src/cli/rack/prepare-recipe.ts'

export const rackCase: RackCase = {
  name: 'deploy-disk-uefi',
  describe: 'the same of a UEFI machine: its firmware starts the loader on the ESP that the qcow2 brought',
  set: 'long',
  prepare: (supplies, log) => prepareRecipe(supplies, qcow2Recipe, log),
  run: (site) => deployQcow2(site, 'uefi'),
}
