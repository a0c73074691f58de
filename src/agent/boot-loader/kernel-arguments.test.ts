import { test } from 'node:test'
import { withFirmwareFallback } from './kernel-arguments.ts'

test('withFirmwareFallback() has a kernel restart that cannot go on, unless its own arguments say otherwise', (t) => {
  t.assert.deepEqual(withFirmwareFallback(['root=UUID=1', 'ro']), [
    'root=UUID=1',
    'ro',
    'panic=30',
    'rd.shell=0',
    'rd.emergency=reboot',
  ])
  const own = ['panic=0', 'rd.shell=1']
  t.assert.deepEqual(withFirmwareFallback(own), own)
  t.assert.deepEqual(withFirmwareFallback(own, 'i6300esb'), [...own, 'modprobe.blacklist=i6300esb'])
})
