import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { Qmp, QmpError } from './qmp.ts'

type Command = { execute: string; id: number }

/** The far side of the socket: answers each command as told, after a greeting and with an event in between, as QEMU does. */
function startQemu(answer: (command: Command) => object) {
  const [near, far] = duplexPair()
  far.write('{"QMP": {"version": {}}}\r\n')
  createInterface({ input: far }).on('line', (line) => {
    const command = JSON.parse(line) as Command
    const text = `${JSON.stringify({ event: 'RTC_CHANGE' })}\r\n${JSON.stringify({ ...answer(command), id: command.id })}\r\n`
    // in two pieces, as a socket may
    far.write(text.slice(0, 7))
    far.write(text.slice(7))
  })
  return { near, far }
}

test('Qmp.execute() gives what QEMU returned, whatever it says besides', async () => {
  const { near } = startQemu(({ execute }) => ({ return: { did: execute } }))
  const qmp = await Qmp.open(near)
  assert.deepEqual(await qmp.execute('system_reset'), { did: 'system_reset' })
})

test("Qmp.execute() rejects with QEMU's reason", async () => {
  const { near } = startQemu(({ execute }) =>
    execute === 'qmp_capabilities' ? { return: {} } : { error: { desc: 'Device not found' } },
  )
  const qmp = await Qmp.open(near)
  await assert.rejects(qmp.execute('eject'), (error) => {
    assert.ok(error instanceof QmpError)
    assert.equal(error.message, 'QEMU did not do eject: Device not found')
    return true
  })
})

test('Qmp.execute() rejects when QEMU ends before it answers', async () => {
  const { near, far } = startQemu(() => ({ return: {} }))
  const qmp = await Qmp.open(near)
  far.removeAllListeners('data')
  far.pause()
  const waiting = qmp.execute('quit')
  near.destroy()
  await assert.rejects(waiting, /QEMU did not do quit: it ended/)
})
