import { type Static, Type } from 'typebox'

/** How the agent leaves a machine: through the firmware, or by starting the deployed kernel itself. */
export const HandOver = Type.Union([Type.Literal('reboot'), Type.Literal('kexec')])
export type HandOver = Static<typeof HandOver>

/** Of a deployment that was left: `kexec-then-reboot` where the kernel did not come up and the firmware was asked again. */
export type HandedOverBy = HandOver | 'kexec-then-reboot'

/** A choice for all machines of a group, or of a model as SMBIOS names it. */
export type HandOverRule = { scope: 'group' | 'model'; name: string; handOver: HandOver }

/** What a choice is made from; `ordered` and `machine` where they were said. */
export type HandOverFacts = {
  ordered?: HandOver | undefined
  machine?: HandOver | undefined
  model?: string | undefined
  group: string
}

/** The nearest to the machine counts: the order, the machine, its model, its group; the firmware where nobody chose. */
export function chooseHandOver(facts: HandOverFacts, rules: readonly HandOverRule[]): HandOver {
  const ruleOf = (scope: HandOverRule['scope'], name: string | undefined) =>
    rules.find((rule) => rule.scope === scope && rule.name === name)?.handOver
  const { ordered, machine, model, group } = facts
  return ordered ?? machine ?? ruleOf('model', model) ?? ruleOf('group', group) ?? 'reboot'
}
