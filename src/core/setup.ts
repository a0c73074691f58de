import { type Static, Type } from 'typebox'
import { SetupScope } from './setup-scope.ts'

/**
 * When a script of the operator's runs. `before-partition`: in the agent's system, the disk chosen and not touched yet.
 * `after-write`: in a chroot of the new root, verified and named, before its boot loader. `first-boot`: once in the deployed
 * system, before it calls back.
 */
export const HookPoint = Type.Union([
  Type.Literal('before-partition'),
  Type.Literal('after-write'),
  Type.Literal('first-boot'),
])
export type HookPoint = Static<typeof HookPoint>

export const hookPoints: readonly HookPoint[] = ['before-partition', 'after-write', 'first-boot']

export const Hook = Type.Object({
  scope: SetupScope,
  point: HookPoint,
  script: Type.String(),
  timeoutSeconds: Type.Integer({ minimum: 1 }),
})
export type Hook = Static<typeof Hook>

/** What templates and scripts are given. A secret's value is never shown again. */
export type Variable = { scope: SetupScope; name: string; value: string; secret: boolean }

/** A file that deployments put into the new root. */
export type FileTemplate = {
  scope: SetupScope
  /** Of the deployed system, absolute. */
  path: string
  template: string
  /** The text is no template: two braces in it are two braces. */
  verbatim: boolean
  /** Octal digits; without it 600 for a file that has a secret in it, 644 for any other. */
  mode?: string
  /** `USER:GROUP`, names of the deployed system or numbers. */
  owner: string
}

/** Everything that was said for images, groups and machines, as far as it is about one deployment. */
export type StoredSetup = { hooks: Hook[]; variables: Variable[]; files: FileTemplate[] }

export const GivenVariable = Type.Object({ name: Type.String(), value: Type.String(), secret: Type.Boolean() })
export type GivenVariable = Static<typeof GivenVariable>

export const InjectedFile = Type.Object({
  scope: SetupScope,
  path: Type.String(),
  text: Type.String(),
  mode: Type.Integer({ minimum: 0, maximum: 0o777 }),
  owner: Type.String(),
})
export type InjectedFile = Static<typeof InjectedFile>

/** What one deployment is given, rendered when it was ordered; it holds secrets and travels sealed. */
export const DeploymentSetup = Type.Object({
  /** In the order in which they run. */
  hooks: Type.Array(Hook),
  /** With those that every deployment has, such as `machine.name`. */
  variables: Type.Array(GivenVariable),
  files: Type.Array(InjectedFile),
})
export type DeploymentSetup = Static<typeof DeploymentSetup>

export function hooksAt(setup: DeploymentSetup, point: HookPoint): Hook[] {
  return setup.hooks.filter((hook) => hook.point === point)
}

/** How long the first boot may take longer than without its hooks. */
export function firstBootSeconds(setup: DeploymentSetup): number {
  return hooksAt(setup, 'first-boot').reduce((sum, { timeoutSeconds }) => sum + timeoutSeconds, 0)
}

/** `ntp_server` is BOOTWRIGHT_VAR_NTP_SERVER, and `machine.name` BOOTWRIGHT_MACHINE_NAME. */
export function hookEnvironment(variables: readonly GivenVariable[]): Record<string, string> {
  const pairs = variables.map(({ name, value }) => {
    const isOurs = name.includes('.')
    return [`BOOTWRIGHT_${isOurs ? '' : 'VAR_'}${name.replaceAll('.', '_').toUpperCase()}`, value]
  })
  return Object.fromEntries(pairs)
}
