import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bootwright } from '../../src/cli/rack/bootwright.ts'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { Errand } from '../../src/core/errand.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

const bootTimeoutMs = 4 * 60_000

export const rackCase: RackCase = {
  name: 'run-script',
  describe: "an operator's script is run and followed, says by a wget that it is done, fails by its status",
  set: 'default',
  run,
}

const greets = `#!/bin/bash
[[ $BOOTWRIGHT_MACHINE = run-1 ]] || exit 9
echo "greetings from $BOOTWRIGHT_MACHINE at $BOOTWRIGHT_ADDRESS with $1"
echo "disk $(jq -r '.[0].serial' "$BOOTWRIGHT_DISKS")"
echo 'to the other output' >&2
`

const saysDone = `#!/bin/sh
echo 'before'
wget -q -O /dev/null "$BOOTWRIGHT_DONE_URL" || exit 8
echo 'after'
exit 7
`

const fails = `#!/bin/sh
sleep 600 &
sleep 600
`

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'run-1', firmware: 'bios', memoryMiB: 1024 })
  const startedAt = Date.now()
  const greeted = runScript(site, 'greets', greets, ['--argument', 'words', '--then', 'stay'])
  await queued(site, 1)
  await machine.powerOn()
  const first = await greeted
  assert.equal(first.status, 0, first.output)
  assert.match(first.output, /^greetings from run-1 at 10\.77\.\d+\.\d+ with words$/m)
  assert.match(first.output, /^disk RUN-1-ROOT$/m)
  assert.match(first.output, /^to the other output$/m)
  assert.match(first.output, /run-1: run done/)
  await onConsole(machine, /greetings from run-1/, 'what the script says')
  const secondsToAgent = (site.timeline.events.find(({ kind }) => kind === 'agent')!.at - startedAt) / 1000

  site.log('another order: the machine that stayed restarts for it by itself')
  const second = await runScript(site, 'says-done', saysDone, ['--then', 'stay'])
  assert.equal(second.status, 0, second.output)
  const done = (await errands(site))[0]!
  assert.equal(done.state, 'done')
  await outputBecomes(site, done.id, 'before\nafter\n')

  site.log('a script that does not end is ended, with what it has started')
  const third = await runScript(site, 'fails', fails, ['--timeout', '5s'])
  assert.equal(third.status, 1, third.output)
  assert.match(third.output, /run failed at run-script: fails did not end within 5 s and was ended/)
  const [failed] = await errands(site)
  assert.equal(failed!.state, 'failed')
  const { machines } = await site.client.request<{ machines: { intent: { kind: string } }[] }>(
    'GET',
    '/api/v1/machines/',
  )
  assert.equal(machines[0]!.intent.kind, 'local', 'nothing is tried again by itself')
  return { secondsToAgent, bytesFetched: 0, bytesWritten: 0, bytesReused: 0, steps: [] }
}

async function runScript(site: RackSite, name: string, text: string, options: readonly string[]) {
  const file = join(site.rack.directory, name)
  await writeFile(file, text)
  return bootwright(site, ['run', 'run-1', file, '--follow', ...options])
}

async function errands({ client }: RackSite): Promise<Errand[]> {
  return (await client.request<{ errands: Errand[] }>('GET', '/api/v1/errands/')).errands
}

async function queued(site: RackSite, count: number): Promise<void> {
  await until(async () => (await errands(site)).length === count, 'the order')
}

/** What is said after the done URL was fetched comes a moment later. */
async function outputBecomes({ client }: RackSite, id: string, wanted: string): Promise<void> {
  const read = async () => (await client.request<{ output: string }>('GET', `/api/v1/errands/${id}/output`)).output
  await until(async () => (await read()) === wanted, `the output become ${JSON.stringify(wanted)}`)
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `waited a minute for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function onConsole({ console }: RackMachine, words: RegExp, what: string): Promise<void> {
  await console.expect(words, { timeoutMs: bootTimeoutMs, what })
}
