// biome-ignore-all lint/suspicious/noTemplateCurlyInString: iPXE writes its own expansions like that
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asText, golden, kernelBoot, menuBoot, agentBoot as plainBoot, waitBoot } from './boot-script.fixture.ts'
import { type AgentBoot, BootScriptUnrenderable } from './boot-script.ts'
import { ipxeMessage } from './ipxe-text.ts'
import { renderIpxe } from './render-ipxe.ts'

const agentBoot: AgentBoot = { ...plainBoot, kernelArguments: ['dyndbg="file tg3.c +p"', 'bootwright.debug'] }

test('renderIpxe() starts the agent with every initrd and kernel argument', (t) => {
  t.assert.fileSnapshot(renderIpxe(agentBoot), golden('agent.ipxe'), asText)
})

test('renderIpxe() starts the agent of an anonymous machine without a token', (t) => {
  const { token: _, ...anonymous } = agentBoot
  const script = renderIpxe({ ...anonymous, title: 'unknown machine: discover', kernelArguments: [] })
  t.assert.fileSnapshot(script, golden('anonymous.ipxe'), asText)
})

test('renderIpxe() starts a machine from its own disk, on UEFI by the disk loader', (t) => {
  const diskLoaderUrl = 'http://10.0.0.1:4280/grub/disk-x64.efi'
  const script = renderIpxe({ kind: 'local', title: 'rack-3: starts from its disk', diskLoaderUrl })
  t.assert.fileSnapshot(script, golden('local.ipxe'), asText)
})

test('renderIpxe() leaves a UEFI machine to its boot order where there is no disk loader', (t) => {
  const script = renderIpxe({ kind: 'local', title: 'rack-3: starts from its disk' })
  t.assert.fileSnapshot(script, golden('local-without-disk-loader.ipxe'), asText)
})

test('renderIpxe() says why a boot is refused, asks once more, then restarts the machine', (t) => {
  const script = renderIpxe({ kind: 'refused', title: 'rack-3', reason: 'its boot token expired 90 s ago' })
  t.assert.fileSnapshot(script, golden('refused.ipxe'), asText)
})

test("renderIpxe() starts an operator's kernel", (t) => {
  t.assert.fileSnapshot(renderIpxe(kernelBoot), golden('kernel.ipxe'), asText)
})

test('renderIpxe() shows a menu whose entries are scripts', (t) => {
  t.assert.fileSnapshot(renderIpxe(menuBoot('ipxe')), golden('menu.ipxe'), asText)
})

test('renderIpxe() tells a machine that waits its place and time, and asks again', (t) => {
  t.assert.fileSnapshot(renderIpxe(waitBoot('ipxe')), golden('wait.ipxe'), asText)
})

test('renderIpxe() escapes what a machine says of itself', (t) => {
  const title = 'x\nreboot\r\n|| shell && ${mac} ; # \u001b[2J $(id) `id` \\'
  t.assert.fileSnapshot(renderIpxe({ kind: 'refused', title, reason: '' }), golden('hostile-name.ipxe'), asText)
})

test('ipxeMessage() keeps to one line of 300 characters', () => {
  assert.equal(ipxeMessage('a'.repeat(1000)).length, 300)
})

for (const argument of ['a\nb', 'a || shell', 'a && b', 'a ; b', '#x', 'a #x', 'x=${mac}', 'é', 'a  b', '', ' a']) {
  test(`renderIpxe() refuses the kernel argument ${JSON.stringify(argument)}`, () => {
    assert.throws(() => renderIpxe({ ...agentBoot, kernelArguments: [argument] }), BootScriptUnrenderable)
  })
}

for (const url of ['file:///x', '/relative', 'http://10.0.0.1/a b', 'http://10.0.0.1/${mac}', 'http://10.0.0.1/\n']) {
  test(`renderIpxe() refuses the URL ${JSON.stringify(url)}`, () => {
    assert.throws(() => renderIpxe({ ...agentBoot, server: url }), BootScriptUnrenderable)
  })
}

test('renderIpxe() refuses a command line the kernel would cut', () => {
  const kernelArguments = Array.from({ length: 200 }, (_, index) => `argument${index}=x`)
  assert.throws(() => renderIpxe({ ...agentBoot, kernelArguments }), /at most 2047 characters/)
})
