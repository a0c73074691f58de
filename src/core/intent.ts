/** What a machine's next network boot does. */
export const intentKinds = ['local', 'deploy', 'ramroot', 'install', 'rescue', 'wipe', 'menu', 'discover'] as const
export type IntentKind = (typeof intentKinds)[number]

/** A destructive intent is one-shot: it is used up when its work is verified on the disk, before hand-over. */
export const destructiveIntents: ReadonlySet<IntentKind> = new Set(['deploy', 'install', 'wipe'])

/**
 * A machine's intent. `revision` counts every change, so that a boot token made for an older intent is known as such.
 * `deploymentId` stands exactly when the kind is `deploy`.
 */
export type Intent = { kind: IntentKind; revision: number; deploymentId?: string }
