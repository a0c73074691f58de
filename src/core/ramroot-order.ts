/**
 * What the early system of a version in memory is told, one NAME VALUE a line, because a shell reads it
 * (ramdisk/ram-root/talk.sh). Signed as a whole; values have no line ends.
 */
export type RamrootOrder = {
  nonce: string
  machine: string
  /** For people: `web:current`. */
  title: string
  form: 'squashfs' | 'initrd'
  /** MiB of memory. */
  needs: number
  /** Of a squashfs: where it is on the server, what it hashes to. */
  root?: { path: string; sizeBytes: number; sha256: string; pieces: readonly string[] }
  overlay: 'tmpfs' | 'zram'
  /** MiB that may be written. */
  budget: number
  /** SHA-256 of the machine's files, before they are sealed. */
  files: string
  dataDisks: readonly { label: string; mount: string; disk: string }[]
}

export function encodeRamrootOrder(order: RamrootOrder): string {
  const { nonce, machine, title, form, needs, root, overlay, budget, files, dataDisks } = order
  const lines: [string, string | number][] = [
    ...(Object.entries({ nonce, machine, title, form, needs, overlay, budget, files }) as [string, string | number][]),
    ...(root
      ? ([
          ['path', root.path],
          ['size', root.sizeBytes],
          ['sha256', root.sha256],
        ] as [string, string | number][])
      : []),
    ...(root?.pieces ?? []).map((piece): [string, string] => ['piece', piece]),
    ...dataDisks.map(({ label, mount, disk }): [string, string] => ['data-disk', `${label} ${mount} ${disk}`]),
  ]
  return lines.map(([name, value]) => `${name} ${oneLineOf(value)}\n`).join('')
}

function oneLineOf(value: string | number): string {
  return `${value}`.replace(/[^\x20-\x7e]/g, '?')
}
