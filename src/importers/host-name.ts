import { formatMacHyphen, type Mac } from '../bytes/mac.ts'
import { machineNamePattern } from '../core/machine.ts'

const pattern = new RegExp(machineNamePattern)

/** The first label of a host name, lower case, `_` as `-`; undefined where that is no machine's name. */
export function hostLabel(name: string): string | undefined {
  const label = name.split('.')[0]!.toLowerCase().replaceAll('_', '-')
  return pattern.test(label) ? label : undefined
}

/** What a machine without a name is called. */
export function macName(mac: Mac): string {
  return `m-${formatMacHyphen(mac).replaceAll('-', '')}`
}
