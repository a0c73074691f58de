import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { diffVersions } from '../../src/image/diff/diff-versions.ts'
import { importDirectory } from '../../src/image/import-directory.ts'
import { skipsWithoutRoot } from '../../src/image/nasty-tree.fixture.ts'
import { smallVersions } from '../../src/image/small-versions.fixture.ts'
import { runProgram } from '../../src/programs/run-program.ts'

const databasePath = '/usr/lib/sysimage/rpm'

test('diffVersions() reads the database that rpm wrote', async (t) => {
  if (skipsWithoutRoot(t) || (await skipsWithoutRpm(t))) return
  const { directory, repository, signingKey } = await smallVersions(t)
  const build = path.join(directory, 'rpmbuild')
  const root = path.join(directory, 'root')
  fs.mkdirSync(root)
  const install = async (name: string, version: string) => {
    const file = await buildPackage(build, name, version)
    await runProgram('rpm', ['--root', root, '--dbpath', databasePath, '--nodeps', '-U', file])
  }
  const put = () => importDirectory(repository, root, { image: 'rpm', signingKey })
  await install('quiet', '1.0')
  await install('moving', '1.0')
  const before = await put()
  await install('moving', '2.5')
  await install('fresh', '7')
  const after = await put()
  const { packages, unreadPackages } = await diffVersions(repository, before.id, after.id, { onFiles: () => {} })
  assert.deepEqual(unreadPackages, [])
  assert.deepEqual(packages, [
    { change: 'added', manager: 'rpm', name: 'fresh', architecture: 'noarch', after: '3:7-1' },
    { change: 'changed', manager: 'rpm', name: 'moving', architecture: 'noarch', before: '3:1.0-1', after: '3:2.5-1' },
  ])
})

async function skipsWithoutRpm(t: TestContext): Promise<boolean> {
  try {
    await runProgram('rpmbuild', ['--version'])
    return false
  } catch (cause) {
    if (process.env.REQUIRE_INTEROP === '1') throw new Error('this test needs rpmbuild (Debian package rpm)', { cause })
    t.skip('needs rpmbuild (Debian package rpm)')
    return true
  }
}

async function buildPackage(build: string, name: string, version: string): Promise<string> {
  const spec = path.join(build, `${name}.spec`)
  fs.mkdirSync(build, { recursive: true })
  fs.writeFileSync(
    spec,
    `Name: ${name}\nEpoch: 3\nVersion: ${version}\nRelease: 1\nSummary: a test\nLicense: none\nBuildArch: noarch\n%description\na test\n%files\n`,
  )
  await runProgram('rpmbuild', ['--define', `_topdir ${build}`, '-bb', spec])
  return path.join(build, 'RPMS/noarch', `${name}-${version}-1.noarch.rpm`)
}
