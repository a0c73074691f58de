import { test } from 'node:test'
import { anyEsp, DiskLoaderUnusable, fitDiskLoader, searchCommand } from './fit-disk-loader.ts'

test('fitDiskLoader() writes the ESP into its place and leaves the rest, and the original, as it was', (t) => {
  const loader = Buffer.from(`MZ\0 code ${searchCommand(anyEsp)}\nchainloader x\0 more`)
  const fitted = fitDiskLoader(loader, '1A2B-3C4D')
  t.assert.equal(fitted.toString(), loader.toString().replace(anyEsp, '1A2B-3C4D'))
  t.assert.equal(loader.includes(anyEsp), true)
})

test('fitDiskLoader() refuses a program without the place, and what is no volume id', (t) => {
  t.assert.throws(() => fitDiskLoader(Buffer.from('MZ'), '1A2B-3C4D'), DiskLoaderUnusable)
  t.assert.throws(() => fitDiskLoader(Buffer.from(searchCommand(anyEsp)), '1A2B-3C4D-5'), DiskLoaderUnusable)
})
