import assert from 'node:assert/strict'
import { test } from 'node:test'
import { smallVersions } from '../small-versions.fixture.ts'
import { makeSbom } from './make-sbom.ts'
import { distributionOf, spdxOf } from './spdx.ts'

test('spdxOf() names each package by its package URL, whatever characters it has', () => {
  const { packages, relationships, creationInfo } = spdxOf({
    ...{ image: 'web', version: 'a'.repeat(64), createdAt: 1_700_000_000_123, distribution: 'debian' },
    packages: [
      { manager: 'dpkg', name: 'libstdc++6', architecture: 'amd64', version: '12.2.0-14+deb12u1' },
      { manager: 'dpkg', name: 'base-files', architecture: 'all', version: '1:12.4~rc1' },
      { manager: 'rpm', name: 'bash', architecture: 'x86_64', version: '1:5.2-3.el9' },
    ],
  })
  assert.deepEqual(
    packages.slice(1).map(({ externalRefs }) => externalRefs?.[0]?.referenceLocator),
    [
      'pkg:deb/debian/base-files@1%3A12.4~rc1?arch=all',
      'pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64',
      'pkg:rpm/debian/bash@5.2-3.el9?arch=x86_64&epoch=1',
    ],
  )
  for (const { SPDXID } of packages) assert.match(SPDXID, /^SPDXRef-[A-Za-z0-9.-]+$/)
  assert.equal(new Set(packages.map(({ SPDXID }) => SPDXID)).size, packages.length)
  assert.equal(relationships.length, packages.length)
  assert.equal(creationInfo.created, '2023-11-14T22:13:20Z')
})

test('distributionOf() reads the ID, and nothing that only looks like it', () => {
  assert.equal(distributionOf('NAME="Debian"\nVERSION_ID="12"\nID=debian\n'), 'debian')
  assert.equal(distributionOf("ID='rocky'\nID_LIKE=rhel"), 'rocky')
  assert.equal(distributionOf('ID_LIKE=debian\nVARIANT_ID=x\nID=$(reboot)'), undefined)
})

test('makeSbom() gives the same document for the same version, with what its databases call installed', async (t) => {
  const { put, repository } = await smallVersions(t)
  const version = await put('web', {
    'etc/os-release': 'ID=debian\n',
    'var/lib/dpkg/status': `Package: vim
Status: install ok installed
Architecture: amd64
Version: 2:9.0

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1
`,
    'var/lib/rpm/Packages': 'Berkeley DB',
  })
  const notices: string[] = []
  const sbom = await makeSbom(repository, version, ({ where }) => notices.push(where))
  assert.deepEqual(
    sbom.packages.map(({ name, versionInfo }) => [name, versionInfo]),
    [
      ['web', version.id],
      ['vim', '2:9.0'],
    ],
  )
  assert.deepEqual(notices, ['/var/lib/rpm/Packages'])
  assert.deepEqual(await makeSbom(repository, version, () => undefined), sbom)
})
