import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutKernelMessages } from './login.ts'

test('withoutKernelMessages() takes out what the kernel said before, after and within a line', () => {
  const words =
    '[   36.950919] kvm: Nested\nlinux-image-6.1: /boot/vm[   36.951722] SVM: GIF\nlinuz-6.1\n[   36.951808] SVM: PMU\n'
  assert.equal(withoutKernelMessages(words), 'linux-image-6.1: /boot/vmlinuz-6.1\n')
})

test('withoutKernelMessages() keeps other brackets', () => {
  assert.equal(withoutKernelMessages('[  OK  ] [12] [1.5]\n'), '[  OK  ] [12] [1.5]\n')
})
