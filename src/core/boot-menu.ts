/** Such names mean nothing to any loader, and need no escaping in a URL. */
export const menuEntryNamePattern = '^[a-z0-9][a-z0-9-]{0,30}$'

/** What a person may choose at a machine's screen before it boots. */
export type BootMenu = {
  /** Then the default entry is started; absent, the menu waits for ever. */
  timeoutSeconds?: number
  /** An entry's name; the first one's where not given. */
  defaultEntry?: string
  entries: readonly BootMenuEntry[]
}

export type BootMenuEntry = { name: string; title: string } & (
  | { boot: 'disk' | 'agent' }
  /** Paths in the virtual tree, most often of the operator's files. */
  | { kernel: string; initrds?: readonly string[]; arguments?: readonly string[] }
)
