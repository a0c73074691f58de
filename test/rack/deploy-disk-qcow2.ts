import type { RackCase } from '../../src/cli/rack/case.ts'
import { deployQcow2, qcow2Recipe } from '../../src/cli/rack/deploy-qcow2.ts'
import { prepareRecipe } from '../../src/cli/rack/prepare-recipe.ts'

export const rackCase: RackCase = {
  name: 'deploy-disk-qcow2',
  describe: 'a qcow2 of a Debian with cloud-init is written to a larger disk: it grows, takes its seed, and calls back',
  set: 'long',
  prepare: (supplies, log) => prepareRecipe(supplies, qcow2Recipe, log),
  run: (site) => deployQcow2(site, 'bios'),
}
