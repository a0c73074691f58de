import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PasswordAttempts } from './password-attempts.ts'

test('PasswordAttempts lets five of one machine or address pass in ten minutes, and a right one clears them', () => {
  let now = 0
  const attempts = new PasswordAttempts(() => now)
  for (let guess = 0; guess < 5; guess++) {
    assert.equal(attempts.secondsToWait(['m1', `a${guess}`]), 0)
    attempts.wrong(['m1', `a${guess}`])
    now += 60_000
  }
  assert.equal(attempts.secondsToWait(['m1', 'elsewhere']), 300)
  assert.equal(attempts.secondsToWait(['m2', 'a0']), 0)
  now += 300_000
  assert.equal(attempts.secondsToWait(['m1', 'elsewhere']), 0)
  attempts.wrong(['m1', 'a0'])
  attempts.right(['m1', 'a0'])
  assert.equal(attempts.secondsToWait(['m1', 'a0']), 0)
})

test('PasswordAttempts stops who invents machines and addresses', () => {
  const attempts = new PasswordAttempts(() => 0)
  for (let guess = 0; guess < 50; guess++) attempts.wrong([`m${guess}`, `a${guess}`])
  assert.equal(attempts.secondsToWait(['another', 'elsewhere']), 600)
})
