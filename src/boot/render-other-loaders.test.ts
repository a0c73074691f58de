// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what a shell would expand is here on purpose
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { asText, golden, kernelBoot, menuBoot, agentBoot as plainBoot, waitBoot } from './boot-script.fixture.ts'
import { type AgentBoot, type BootScript, BootScriptUnrenderable } from './boot-script.ts'
import { renderGrub, renderSignedGrub } from './render-grub.ts'
import { renderPxelinux } from './render-pxelinux.ts'

const agentBoot: AgentBoot = {
  ...plainBoot,
  initrdPaths: plainBoot.initrdPaths.slice(0, 2),
  kernelArguments: ['cost=$5;reboot', '${cmdpath}'],
}
const hostile = "x\nreboot\r\n'; reboot; echo ' ${mac} # \u001b[2J $(id) `id` \\"
const diskLoaderUrl = 'http://10.0.0.1:4280/grub/disk-x64.efi'
const scripts: [string, BootScript][] = [
  ['agent', agentBoot],
  ['kernel', kernelBoot],
  ['kernel-without-initrd', { ...kernelBoot, initrdPaths: [] }],
  ['menu', menuBoot('LOADER')],
  ['wait', waitBoot('LOADER')],
  ['wait-inside', { ...waitBoot('LOADER'), isInside: true }],
  ['local', { kind: 'local', title: 'rack-3: boots its own disk', diskLoaderUrl, espUuid: '6939-FAD5' }],
  ['local-arm64', { kind: 'local', title: 'rack-3: boots its own disk', architecture: 'arm64' }],
  ['refused', { kind: 'refused', title: hostile, reason: 'its boot token expired 90 s ago' }],
]

for (const [name, script] of scripts) {
  for (const [ending, render] of Object.entries({ grub: renderGrub, 'signed.grub': renderSignedGrub })) {
    test(`${render.name}() of ${name} is a script that GRUB can read`, (t) => {
      const text = render(script)
      t.assert.fileSnapshot(text, golden(`${name}.${ending}`), asText)
      const check = spawnSync('grub-script-check', { input: text, encoding: 'utf8' })
      if (check.error) return t.skip('needs grub-script-check')
      assert.equal(check.status, 0, check.stderr)
    })
  }

  test(`renderPxelinux() of ${name}`, (t) => {
    t.assert.fileSnapshot(renderPxelinux(script), golden(`${name}.pxelinux`), asText)
  })
}

test('renderGrub() refuses what GRUB would alter', () => {
  for (const argument of ['dyndbg="file tg3.c +p"', "name=o'neill", 'path=a\\b']) {
    assert.throws(() => renderGrub({ ...agentBoot, kernelArguments: [argument] }), BootScriptUnrenderable)
  }
})

for (const [name, render] of Object.entries({ renderGrub, renderPxelinux })) {
  for (const argument of ['a\nb', 'é', 'a  b', '']) {
    test(`${name}() refuses the kernel argument ${JSON.stringify(argument)}`, () => {
      assert.throws(() => render({ ...agentBoot, kernelArguments: [argument] }), BootScriptUnrenderable)
    })
  }
  test(`${name}() refuses a command line the kernel would cut, and a server it cannot reach`, () => {
    const kernelArguments = Array.from({ length: 200 }, (_, index) => `argument${index}=x`)
    assert.throws(() => render({ ...agentBoot, kernelArguments }), /at most 2047 characters/)
    assert.throws(() => render({ ...agentBoot, server: 'ftp://10.0.0.1' }), BootScriptUnrenderable)
  })
}
