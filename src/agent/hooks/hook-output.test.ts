import { test } from 'node:test'
import { HookOutput } from './hook-output.ts'

function gather() {
  const shown: string[] = []
  const told: [number, string[]][] = []
  const mask = (line: string) => line.replaceAll('hunter22', '[password]')
  const output = new HookOutput({
    mask,
    show: (line) => void shown.push(line),
    tell: (offset, lines) => void told.push([offset, lines]),
  })
  return { output, shown, told }
}

test('HookOutput tells lines together, with how many were told before, and hides secrets', (t) => {
  const { output, shown, told } = gather()
  for (const line of ['one', '', 'pass hunter22\u001b[2J', '   ']) output.add(line)
  output.flush()
  output.add('three')
  output.flush()
  output.flush()
  t.assert.deepEqual(told, [
    [0, ['one', 'pass [password] [2J']],
    [2, ['three']],
  ])
  t.assert.deepEqual(shown, ['one', 'pass [password] [2J', 'three'])
})

test('HookOutput stops at its limit, says so, and still knows the last words of each script', (t) => {
  const { output, told } = gather()
  for (let line = 1; line <= 1000; line++) output.add(`line ${line}`)
  output.flush()
  const lines = told.flatMap(([, some]) => some)
  t.assert.equal(lines.length, 200)
  t.assert.match(lines.at(-1) ?? '', /^199 lines are kept/)
  t.assert.deepEqual(output.takeLast().at(-1), 'line 1000')
  output.add('of the next')
  t.assert.deepEqual(output.takeLast(), ['of the next'])
})
