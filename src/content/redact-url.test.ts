import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redactUrl } from './redact-url.ts'

const rows = [
  ['/boot.ipxe?mac=52-54-00-12-34-56&token=SECRET', '/boot.ipxe?mac=52-54-00-12-34-56&token=…'],
  ['/boot.ipxe?TOKEN=SECRET&mac=x', '/boot.ipxe?TOKEN=…&mac=x'],
  ['/boot.ipxe?a=b?token=SECRET', '/boot.ipxe?a=…'],
  ['/boot.ipxe?%74oken=SECRET', '/boot.ipxe?%74oken=…'],
  ['/boot.ipxe?token=SECRET=SECRET', '/boot.ipxe?token=…'],
  ['/plain', '/plain'],
  ['/a\x1b[2J', '/a\\u{1b}[2J'],
] as const

for (const [url, shown] of rows) {
  test(`redactUrl() shows ${JSON.stringify(url)} as ${shown}`, () => assert.equal(redactUrl(url), shown))
}
