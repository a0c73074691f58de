import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AgentBroken, agentRecipe } from './agent.ts'
import { targets } from './target.ts'

const target = targets.x64
const koffi = {
  directory: resolve(import.meta.dirname, '../../node_modules', target.koffiPackage),
  version: 'as installed',
}

async function bundle(t: TestContext, files: Record<string, string>): Promise<Map<string, string>> {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-agent-'))
  t.after(() => rm(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  const recipe = await agentRecipe({ entry: join(directory, 'main.ts'), koffi, target })
  const entries = await recipe.entries()
  return new Map(entries.map(({ entry }) => [entry.path, 'bytes' in entry ? Buffer.from(entry.bytes).toString() : '']))
}

test('agentRecipe() strips types and bundles what is reached, and nothing else', async (t) => {
  const files = await bundle(t, {
    'main.ts': "import { shout } from './shout.ts'\nconsole.log(shout('ready' as string))\n",
    'shout.ts': 'export const shout = (word: string): string => word.toUpperCase()\nexport const unused = 1\n',
    'stranger.ts': 'export const stranger = 1\n',
  })
  const main = files.get('bootwright/agent/main.js')!
  assert.match(main, /toUpperCase/)
  assert.doesNotMatch(main, /: string|as string|unused|stranger/)
})

test('agentRecipe() makes a worker a file of its own beside main.js', async (t) => {
  const files = await bundle(t, {
    'main.ts':
      "import { Worker } from 'node:worker_threads'\nnew Worker(new URL('./hash-worker.ts', import.meta.url))\n",
    'hash-worker.ts': "import { parentPort } from 'node:worker_threads'\nparentPort?.postMessage(1 as number)\n",
  })
  assert.match(files.get('bootwright/agent/main.js')!, /new URL\(["'`]\.\/hash-worker\.js["'`], import\.meta\.url\)/)
  assert.match(files.get('bootwright/agent/hash-worker.js')!, /postMessage/)
})

test('agentRecipe() carries init, and koffi with its native part', async (t) => {
  const files = await bundle(t, { 'main.ts': '' })
  assert.ok(files.get('init')!.startsWith('#!/bin/sh\n'))
  assert.ok(files.has('bootwright/agent/node_modules/@koromix/koffi-linux-x64/linux_x64/koffi.node'))
})

test('agentRecipe() throws AgentBroken that names a missing import', async (t) => {
  await assert.rejects(bundle(t, { 'main.ts': "import './nowhere.ts'\n" }), (error) => {
    assert.ok(error instanceof AgentBroken)
    assert.match(error.message, /nowhere\.ts/)
    return true
  })
})
