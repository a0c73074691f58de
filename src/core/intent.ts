/** What a machine's next network boot does. */
export const intentKinds = ['local', 'deploy', 'ramroot', 'install', 'rescue', 'wipe', 'menu', 'discover'] as const
export type IntentKind = (typeof intentKinds)[number]

/**
 * A machine's intent. `revision` counts every change, so that a boot token made for an older intent is known as such.
 * `deploymentId` stands exactly when the kind is `deploy`.
 */
export type Intent = { kind: IntentKind; revision: number; deploymentId?: string }

/**
 * Whether somebody wants something of the machine's next network boot. `discover` at revision 0 is what a machine begins with; later
 * it is the operator's wish, or what a deployment that failed leaves.
 */
export function isOrdered({ kind, revision }: Intent): boolean {
  return kind !== 'local' && !(kind === 'discover' && revision === 0)
}
