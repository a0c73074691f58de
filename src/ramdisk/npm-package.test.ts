import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { NpmPackageMissing, npmPackage } from './npm-package.ts'

const project = resolve(import.meta.dirname, '../..')
const cache = { directory: '/nonexistent' }

test('npmPackage() takes what node_modules has, and fetches nothing', async () => {
  const { directory, version } = await npmPackage(cache, project, 'koffi')
  assert.equal(directory, resolve(project, 'node_modules/koffi'))
  assert.match(version, /^\d+\.\d+\.\d+$/)
})

test('npmPackage() throws NpmPackageMissing for a package the lock file does not name', async () => {
  await assert.rejects(npmPackage(cache, project, 'no-such-package'), NpmPackageMissing)
})
