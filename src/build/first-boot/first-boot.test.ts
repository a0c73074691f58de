import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import test from 'node:test'
import { renderCustomizeScript, renderFinishScript } from '../customize-script.ts'
import type { ReadRecipe } from '../read-recipe.ts'
import { findBootFiles } from './find-boot-files.ts'
import { firstBootArguments } from './first-boot-machine.ts'
import { renderFirstBootRunner, renderFirstBootScript } from './first-boot-script.ts'

const golden = (name: string) => join(import.meta.dirname, '../golden', name)
const asText = { serializers: [(value: string) => value] }
const folder = (name: string) => ({ from: name, directory: `/r/${name}`, digest: name })

const read: ReadRecipe = {
  ...{ recipePath: 'r.yaml', users: [], files: [], secrets: [] },
  recipe: { name: 'r', source: { kind: 'image', image: 'base' } },
  configurations: [
    { kind: 'puppet', ...folder('puppet'), manifest: 'site.pp' },
    { kind: 'ansible', ...folder('ansible'), playbook: 'site.yml', when: 'firstBoot' },
    { kind: 'shell', ...folder('settings'), script: "it's.sh", when: 'firstBoot' },
  ],
}

test('renderFirstBootScript() has what waits for the first boot, in the folders of the recipe', (t) => {
  t.assert.fileSnapshot(renderFirstBootScript(read), golden('first-boot.sh'), asText)
  assert.doesNotMatch(renderCustomizeScript(read), /ansible-playbook|it.*s\.sh/)
})

test('renderFinishScript() takes away what configured, and what the first boot needed', (t) => {
  t.assert.fileSnapshot(renderFinishScript(read), golden('finish.sh'), asText)
})

test('the scripts of a first boot are valid shell', () => {
  for (const script of [renderFirstBootScript(read), renderFirstBootRunner(read), renderFinishScript(read)]) {
    execFileSync('sh', ['-n'], { input: script, timeout: 10_000 })
  }
})

test('firstBootArguments() has no network card that anybody reaches, and ends where a PC would start anew', () => {
  const machine = {
    ...{ memoryMiB: 512, processors: 1, timeoutSeconds: 60, cacheDirectory: '/c' },
    ...{
      kernelPath: '/t/boot/vmlinuz',
      initrdPath: '/t/boot/initrd.img',
      diskPath: '/w/a,b',
      consoleLogPath: '/c/log',
    },
  }
  const args = firstBootArguments(machine, ['-accel', 'tcg'])
  assert.deepEqual(
    args.filter((_, index) => args[index - 1] === '-netdev'),
    ['user,id=net'],
  )
  assert.ok(args.includes('-no-reboot') && args.includes('if=none,id=root,format=raw,cache=unsafe,file=/w/a,,b'))
})

test('findBootFiles() takes the newest kernel that has an initrd, and says what to do where there is none', () => {
  const names = ['vmlinuz-6.1.0-9', 'initrd.img-6.1.0-9', 'vmlinuz-6.1.0-10', 'initrd.img-6.1.0-10', 'vmlinuz-6.2.0']
  assert.deepEqual(findBootFiles('/t', names), {
    kernelPath: '/t/boot/vmlinuz-6.1.0-10',
    initrdPath: '/t/boot/initrd.img-6.1.0-10',
  })
  assert.deepEqual(findBootFiles('/t', ['vmlinuz-6.8.5-301.fc40', 'initramfs-6.8.5-301.fc40.img']), {
    kernelPath: '/t/boot/vmlinuz-6.8.5-301.fc40',
    initrdPath: '/t/boot/initramfs-6.8.5-301.fc40.img',
  })
  assert.throws(() => findBootFiles('/t', ['vmlinuz-6.2.0']), /add linux-image-cloud-amd64 and initramfs-tools/)
})
