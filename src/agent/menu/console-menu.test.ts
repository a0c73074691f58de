import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type MenuChoice, type MenuOffer, menuTransfers } from '../../core/console-menu.ts'
import { readyLayouts } from '../../core/ready-layouts.ts'

const program = join(import.meta.dirname, 'console-menu.fixture.ts')
const timeoutMs = 30_000
const offer: MenuOffer = {
  provision: { kind: 'allowed', needsPassword: false },
  images: [
    {
      name: 'debian',
      versions: [{ id: 'a'.repeat(64), createdAt: 0, tags: ['current'], sizeBytes: 1_000_000, isWholeDisk: false }],
    },
  ],
  layouts: [...readyLayouts],
  transfers: [...menuTransfers],
}

/** The menu on a terminal of its own (script makes it), before a server that `answers`. */
async function console(t: TestContext, answer: (path: string, body: unknown) => unknown) {
  const server = createServer(async (request, response) => {
    const body = request.method === 'POST' ? await json(request) : undefined
    const { status = 200, ...value } = answer(request.url!, body) as { status?: number }
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const terminal = spawn('script', ['-qfec', `${process.execPath} ${program} ${url}`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => {
    terminal.kill()
    server.close().closeAllConnections()
  })
  let seen = ''
  terminal.stdout.setEncoding('utf8').on('data', (piece: string) => {
    seen += piece
  })
  return {
    press: (keys: string) => terminal.stdin.write(keys),
    /** Waits for a text that was not seen before. */
    async sees(pattern: RegExp): Promise<void> {
      for (const until = Date.now() + timeoutMs; ; await wait(20)) {
        const match = pattern.exec(seen)
        if (match) {
          seen = seen.slice(match.index + match[0].length)
          return
        }
        assert.ok(Date.now() < until, `the terminal did not show ${pattern}, but:\n${seen}`)
      }
    },
    ended: once(terminal, 'exit').then(([code]) => code as number),
  }
}

test('ConsoleMenu leads from the return key to a choice, its progress and how it ended, on a real terminal', async (t) => {
  const choices: MenuChoice[] = []
  const { press, sees } = await console(t, (path, body) => {
    if (path === '/agent/order') {
      const isOrdered = choices.length === 2
      if (isOrdered) choices.pop()
      return { kind: isOrdered ? 'deploy' : 'wait' }
    }
    if (path === '/agent/menu') return offer
    choices.push(body as MenuChoice)
    return choices.length === 1 ? { kind: 'making' } : { kind: 'ordered', deploymentId: 'd' }
  })
  await sees(/press Enter/)
  press('\r')
  await sees(/Server http.*1 {3}Provision/s)
  press('1')
  await sees(/Which image\?.*debian/s)
  press('\x1b')
  press('[')
  press('B')
  press('1')
  await sees(/Which version\?/)
  press('111')
  await sees(/Which filesystem\?/)
  press('1')
  await sees(/Type yes and press Enter/)
  press('yes\r')
  await sees(/the server makes what this takes/)
  await sees(/\[#{10}\.{10}\] 30 of 60 MB \(50 %\)/)
  await sees(/: ended.*the disk is full/s)
  assert.deepEqual(choices[0]!.disk, { serial: 'EMPTY' })
  press('\r')
  await sees(/1 {3}Provision/)
})

test('ConsoleMenu gives the terminal to a shell that has job control, and takes it back', async (t) => {
  const { press, sees, ended } = await console(t, (path) => (path === '/agent/menu' ? offer : { kind: 'wait' }))
  press('\r')
  await sees(/1 {3}Provision/)
  press('2')
  await sees(/A shell of the ramdisk/)
  press('echo $((6 * 7)) on $(tty)\r')
  await sees(/42 on \/dev\/pts/)
  press('echo slept $((40 + 2)) times; sleep 100\r')
  await sees(/slept 42 times/)
  press('\x03')
  press('exit\r')
  await sees(/1 {3}Provision/)
  press('3')
  assert.equal(await ended, 3)
})

test('ConsoleMenu tells in words that the server refuses, and what a choice was refused for', async (t) => {
  let isRefused = true
  const { press, sees } = await console(t, (path) => {
    if (path === '/agent/order') return { kind: 'wait' }
    if (path === '/agent/menu/deploy') return { status: 409, detail: 'rack-1 has a deployment under way' }
    return isRefused ? { ...offer, provision: { kind: 'refused', reason: 'rack-1 is not approved' } } : offer
  })
  press('\r')
  await sees(/Not possible: rack-1 is not approved/)
  isRefused = false
  await sees(/Writes an image to a disk of rack-1/)
  press('111111')
  await sees(/Type yes and press Enter/)
  press('yes\r')
  await sees(/The server refused this.*rack-1 has a deployment under way/s)
})

test('ConsoleMenu leaves the lines of work as they are until the return key, and again after escape', async (t) => {
  let orders = 0
  const { press, sees } = await console(t, (path) => {
    if (path !== '/agent/order') return offer
    return { kind: orders++ === 0 ? 'deploy' : 'wait' }
  })
  await sees(/\] a line of the work\r\n/)
  press('\r')
  await sees(/the kernel is quiet|Esc: ordinary lines/)
  await sees(/\[#{10}\.{10}\] 30 of 60 MB/)
  press('\x1b')
  await sees(/the kernel is loud\r\n/)
  await sees(/\] deployment failed in step write: the disk is full\r\n/)
  press('\r')
  await sees(/1 {3}Provision/)
})
