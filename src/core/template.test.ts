import { test } from 'node:test'
import { renderTemplate } from './template.ts'

const values = new Map([
  ['machine.name', 'web-1'],
  ['ntp', '10.0.0.1'],
  ['braces', '{{ ntp }}'],
  ['key', 'BEGIN\nabc\nEND\n'],
])

for (const [template, text] of [
  ['', ''],
  ['server {{ ntp }} iburst\n', 'server 10.0.0.1 iburst\n'],
  ['{{ntp}}{{\tmachine.name }}', '10.0.0.1web-1'],
  ['{"a": {"b": {}}}', '{"a": {"b": {}}}'],
  ["{{ '{{' }} ntp }}", '{{ ntp }}'],
  ['{{ braces }}', '{{ ntp }}'],
  ['key: |\n  {{ key }}\nend\n', 'key: |\n  BEGIN\n  abc\n  END\nend\n'],
  ['{{ key }}', 'BEGIN\nabc\nEND'],
] as const) {
  test(`renderTemplate() makes ${JSON.stringify(text)} of ${JSON.stringify(template)}`, (t) => {
    const rendered = renderTemplate(template, values)
    t.assert.deepEqual([rendered.text, rendered.problems], [text, []])
  })
}

for (const [template, line, message] of [
  ['a\nb {{ ntpp }}\n', 2, /^there is no variable "ntpp"; there are braces, key, machine\.name, ntp$/],
  ['{{ machine.serial }}', 1, /^there is no variable "machine.serial"/],
  ['{{ ntp | upper }}', 1, /^\{\{ begins no variable; write \{\{ name \}\}/],
  ['\n\n{{ntp', 3, /begins no variable/],
  ['{{{ ntp }}}', 1, /begins no variable/],
  ['{{ ntp\n}}', 1, /begins no variable/],
  ['{{ NTP }}', 1, /begins no variable/],
  ['x\nkey = {{ key }}', 2, /^the value of "key" has several lines, so that it needs a line of its own$/],
  ['{{ key }};', 1, /a line of its own/],
] as const) {
  test(`renderTemplate() says what is wrong with ${JSON.stringify(template)}, and where`, (t) => {
    const [problem, ...others] = renderTemplate(template, values).problems
    t.assert.deepEqual([problem?.line, others], [line, []])
    t.assert.match(problem?.message ?? '', message)
  })
}

test('renderTemplate() names every problem and every variable that stands in it', (t) => {
  const { problems, used } = renderTemplate('{{ a }}\n{{ ntp }}\n{{ b }}', values)
  t.assert.deepEqual(
    problems.map(({ line }) => line),
    [1, 3],
  )
  t.assert.deepEqual([...used], ['a', 'ntp', 'b'])
})
