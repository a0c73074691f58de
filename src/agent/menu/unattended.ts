import { Check, Errors } from 'typebox/value'
import { DecodeError } from '../../bytes/decode-error.ts'
import { agentArguments } from '../../core/agent-arguments.ts'
import { MenuChoice } from '../../core/console-menu.ts'
import { say } from '../say.ts'
import type { Session } from '../session.ts'
import { orderChoice } from './order-choice.ts'

/** Once in a boot, what the kernel's arguments choose becomes an order; where that is refused the machine waits for a person. */
export async function orderUnattended(session: Session, commandLine: string): Promise<void> {
  try {
    const choice = unattendedChoice(commandLine)
    if (choice === undefined) return
    say(`the kernel's arguments choose ${choice.image}: asking the server for it`)
    await orderChoice(session, choice, say)
  } catch (error) {
    say(`nothing is written by the kernel's arguments: ${(error as Error).message}`)
  }
}

/** What the kernel's arguments choose; undefined where they choose nothing. Throws DecodeError. */
export function unattendedChoice(commandLine: string): MenuChoice | undefined {
  const words = commandLine.trim().split(/\s+/)
  const value = (name: string) => words.findLast((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
  const image = value(agentArguments.image)
  if (image === undefined) return undefined
  const filesystem = value(agentArguments.filesystem)
  const choice: unknown = {
    image,
    disk: parseRule(value(agentArguments.disk) ?? ''),
    layout: value(agentArguments.layout) ?? 'whole-disk',
    ...(filesystem !== undefined && { filesystem }),
    transfer: 'http',
    unattended: true,
    ...(words.includes(agentArguments.again) && { again: true }),
  }
  if (Check(MenuChoice, choice)) return choice
  const [error] = Errors(MenuChoice, choice)
  const [, field = 'image'] = error?.instancePath.split('/') ?? []
  throw new DecodeError(
    'kernel command line',
    `bootwright.${field}= is not right: ${error?.message ?? 'it is malformed'}`,
  )
}

/** `serial=S1,minBytes=100000000000`. */
function parseRule(text: string): Record<string, unknown> {
  return Object.fromEntries(text.split(',').filter(Boolean).map(parseCondition))
}

function parseCondition(condition: string): [string, unknown] {
  const at = condition.indexOf('=')
  if (at < 1) throw new DecodeError('kernel command line', `${agentArguments.disk}=: "${condition}" is not name=value`)
  const [name, value] = [condition.slice(0, at), condition.slice(at + 1)]
  if (name === 'minBytes' || name === 'maxBytes') return [name, Number(value)]
  return name === 'removable' ? [name, value === 'true'] : [name, value]
}
