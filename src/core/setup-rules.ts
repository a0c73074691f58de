import { shortestSecret } from './mask-secrets.ts'
import type { FileTemplate, Hook, Variable } from './setup.ts'

/** A hook, variable or file that cannot be used, whatever it is for. */
export class SetupInvalid extends Error {
  override readonly name = 'SetupInvalid'
}

export const variableNamePattern = '^[a-z][a-z0-9_]{0,62}$'
export const fileModePattern = '^0?[0-7]{3}$'
export const fileOwnerPattern = '^[a-z0-9_][a-z0-9_.-]{0,31}:[a-z0-9_][a-z0-9_.-]{0,31}$'

export const longestScript = 64 * 1024
export const longestTemplate = 64 * 1024
export const longestValue = 16 * 1024
export const longestTimeoutSeconds = 6 * 3600

/** What is there only while a system runs. */
const passingPlaces = /^\/(?:dev|proc|run|sys)(?:\/|$)/
/** All but tab and line feed. */
const controlCharacter = /[\u0000-\u0008\u000b-\u001f\u007f]/

/** Throws SetupInvalid. */
export function refuseInvalidHook({ script }: Pick<Hook, 'script'>): void {
  if (!script.startsWith('#!/')) refuse('a script', 'its first line does not name its interpreter, such as #!/bin/sh')
  if (script.includes('\r')) refuse('a script', 'it has carriage returns (lines end as on Windows)')
  if (script.includes('\0')) refuse('a script', 'it has a NUL: it is no text')
}

/** Throws SetupInvalid. */
export function refuseInvalidVariable({ name, value, secret }: Pick<Variable, 'name' | 'value' | 'secret'>): void {
  if (controlCharacter.test(value)) refuse(`the variable ${name}`, 'its value has control characters')
  if (secret && value.length < shortestSecret) {
    refuse(
      `the variable ${name}`,
      `a secret of fewer than ${shortestSecret} characters could not be kept out of what scripts say`,
    )
  }
}

/** Throws SetupInvalid. */
export function refuseInvalidFile({ path, template }: Pick<FileTemplate, 'path' | 'template'>): void {
  const names = path.split('/').slice(1)
  if (!path.startsWith('/')) refuse(`the path "${path}"`, 'it does not begin with /')
  if (names.some((name) => name === '' || name === '.' || name === '..')) {
    refuse(`the path ${path}`, 'it has an empty name, . or .. in it, or names a directory')
  }
  if (/[\u0000-\u001f\u007f]/.test(path)) refuse('the path', 'it has control characters')
  if (passingPlaces.test(path)) refuse(`the path ${path}`, 'what is there does not outlive a restart')
  if (template.includes('\0')) refuse(path, 'it has a NUL: it is no text')
}

function refuse(what: string, reason: string): never {
  throw new SetupInvalid(`Cannot use ${what}: ${reason}`)
}
