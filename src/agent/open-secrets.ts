import { Check } from 'typebox/value'
import { DecodeError } from '../bytes/decode-error.ts'
import { DeploySecrets } from '../core/order.ts'
import { unseal } from '../core/seal.ts'
import type { DeployContext } from './deploy-context.ts'

/** Throws DecodeError. */
export function openSecrets({ order, session }: DeployContext): DeploySecrets {
  const secrets: unknown = JSON.parse(Buffer.from(unseal(order.sealed, session.privateKey)).toString('utf8'))
  if (!Check(DeploySecrets, secrets)) {
    throw new DecodeError('deploy secrets', 'they lack the proof token, or this agent does not know their shape')
  }
  return secrets
}
