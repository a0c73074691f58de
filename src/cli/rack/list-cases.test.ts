import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { test } from 'node:test'
import { chooseCases, listCases, UnknownCase } from './list-cases.ts'

test('listCases() finds each case in the file of its name', async () => {
  const cases = await listCases()
  assert.ok(cases.length >= 5)
  for (const { name, path } of cases) assert.equal(basename(path, '.ts'), name)
})

test('chooseCases() takes names in their order, the default set for none, and refuses others by name', async () => {
  const names = (await chooseCases(['deploy-uefi', 'deploy-bios'])).map(({ name }) => name)
  assert.deepEqual(names, ['deploy-uefi', 'deploy-bios'])
  assert.ok((await chooseCases([])).every(({ set }) => set === 'default'))
  await assert.rejects(chooseCases(['deploy-toaster']), UnknownCase)
})
