import { test } from 'node:test'
import { DecodeError } from '../bytes/decode-error.ts'
import { parseCommandLine } from './command-line.ts'

test('parseCommandLine() reads server, token, boot interface and consoles', (t) => {
  t.assert.deepEqual(
    parseCommandLine(
      'initrd=a initrd=b bootwright.server=http://10.77.0.1:4280 bootwright.token=abc BOOTIF=01-52-54-00-AB-cd-01 bootwright.vlan=42 console=tty0 console=ttyS0,115200\n',
    ),
    {
      server: 'http://10.77.0.1:4280',
      token: 'abc',
      bootMac: '52:54:00:ab:cd:01',
      vlan: 42,
      isMenuChosen: false,
      isDebugged: false,
      consoles: ['tty0', 'ttyS0,115200'],
    },
  )
})

test('parseCommandLine() takes the last of repeated arguments, as the kernel does', (t) => {
  t.assert.equal(parseCommandLine('bootwright.server=http://a bootwright.server=http://b:1/').server, 'http://b:1')
})

test('parseCommandLine() does without token and boot interface', (t) => {
  const line = parseCommandLine('bootwright.server=http://a')
  t.assert.equal(line.token, undefined)
  t.assert.equal(line.bootMac, undefined)
})

test('parseCommandLine() knows that the menu of the loader led here', (t) => {
  t.assert.equal(parseCommandLine('bootwright.server=http://a bootwright.menu').isMenuChosen, true)
})

test('parseCommandLine() refuses what is no VLAN', (t) => {
  for (const vlan of ['', '0', '4095', '42x']) {
    t.assert.throws(() => parseCommandLine(`bootwright.server=http://a bootwright.vlan=${vlan}`), DecodeError)
  }
})

test('parseCommandLine() refuses what is not an http address', (t) => {
  for (const server of ['', 'bootwright.server=ftp://a', "bootwright.server=http://a'b", 'bootwright.server=x']) {
    t.assert.throws(() => parseCommandLine(server), DecodeError)
  }
})
