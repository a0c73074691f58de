import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConsole } from './console-login.ts'

const rows = [
  ['tty0', { name: 'tty1', speed: '38400', type: 'linux' }],
  ['tty2', { name: 'tty2', speed: '38400', type: 'linux' }],
  ['ttyS0,115200n8', { name: 'ttyS0', speed: '115200', type: 'vt220' }],
  ['ttyS1,9600', { name: 'ttyS1', speed: '9600', type: 'vt220' }],
  ['ttyAMA0', { name: 'ttyAMA0', speed: '115200', type: 'vt220' }],
] as const

for (const [value, terminal] of rows) {
  test(`parseConsole() makes a terminal of console=${value}`, () => assert.deepEqual(parseConsole(value), terminal))
}
