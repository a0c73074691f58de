import assert from 'node:assert/strict'
import test from 'node:test'
import { chooseAptSources, formatAptSources } from './apt-sources.ts'
import type { Recipe } from './recipe.ts'

const indexTargets = [
  'http://mirror.example/debian/|bookworm|main|Debian|/usr/share/keyrings/debian.gpg',
  'http://mirror.example/debian/|bookworm|contrib|Debian|/usr/share/keyrings/debian.gpg',
  'http://mirror.example/debian/|bookworm-updates|main|$(ORIGIN)|$(SIGNED_BY)',
  'http://mirror.example/security/|bookworm-security|main|Debian|$(SIGNED_BY)',
  'http://mirror.example/debian/|bookworm-backports|main|Debian|$(SIGNED_BY)',
  'http://vendor.example/apt/|bookworm|main|Vendor|$(SIGNED_BY)',
  'http://vendor.example/node/|nodistro|main|Node|$(SIGNED_BY)',
].join('\n')

function recipe(suite: string, components?: string[]): Recipe {
  const source = { kind: 'mmdebstrap' as const, suite, variant: 'minbase', ...(components && { components }) }
  return { name: 'x', source } as Recipe
}

test("chooseAptSources() takes Debian's own suite, updates and security, and nobody else's", () => {
  assert.equal(
    formatAptSources(chooseAptSources(indexTargets, 'bookworm', recipe('host'))),
    'deb [signed-by=/usr/share/keyrings/debian.gpg] http://mirror.example/debian/ bookworm main\n' +
      'deb http://mirror.example/debian/ bookworm-updates main\n' +
      'deb http://mirror.example/security/ bookworm-security main\n',
  )
})

test('chooseAptSources() joins the components of one suite', () => {
  const [first] = chooseAptSources(indexTargets, 'bookworm', recipe('host', ['main', 'contrib']))
  assert.deepEqual(first?.components, ['main', 'contrib'])
})

test('chooseAptSources() takes another release from the same mirrors', () => {
  const suites = chooseAptSources(indexTargets, 'bookworm', recipe('trixie')).map(({ suite }) => suite)
  assert.deepEqual(suites, ['trixie', 'trixie-updates', 'trixie-security'])
})

test('chooseAptSources() finds nothing on a machine of another distribution', () => {
  assert.deepEqual(chooseAptSources(indexTargets, 'noble', recipe('host')), [])
})
