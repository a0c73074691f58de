import type { SmallContent } from '../source-content.ts'
import type { DirectoryNode } from '../tree-builder.ts'
import { type FoundNode, findNodes, membersUnder } from './find-nodes.ts'
import { type CleanUpName, type CleanUpOperation, cleanUpOperations } from './operations.ts'

/** What an operation did, by paths from the root. */
export type CleanedUp = { operation: CleanUpName; removed: string[]; changed: string[] }

/** Takes out of a source's nodes what the operations name; the source itself stays as it is. Gives those that did something. */
export async function cleanUp(root: DirectoryNode, names: readonly CleanUpName[]): Promise<CleanedUp[]> {
  const done: CleanedUp[] = []
  for (const operation of names) {
    const { removed, changed } = await perform(root, cleanUpOperations[operation])
    if (removed.length + changed.length > 0) done.push({ operation, removed, changed })
  }
  return done
}

async function perform(root: DirectoryNode, operation: CleanUpOperation): Promise<Omit<CleanedUp, 'operation'>> {
  const { files = [], trees = [], contents = [], emptied = [], lines } = operation
  const at = (pattern: string) => findNodes(root, pattern)
  const gone = [
    ...files.flatMap(at).filter(({ node }) => node.type !== 'directory'),
    ...trees.flatMap(at),
    ...contents.flatMap(at).flatMap(membersUnder),
  ]
  for (const { parent, name } of gone) parent.children.delete(name)
  const changed = emptied.flatMap(at).filter(empty)
  for (const found of lines ? at(lines.files) : []) {
    if (await removeLines(found, lines!.beginWith)) changed.push(found)
  }
  return { removed: gone.map(({ path }) => path), changed: changed.map(({ path }) => path) }
}

/** Another name of the same file keeps what is in it: that one was not meant. */
function empty({ parent, name, node }: FoundNode): boolean {
  if (node.type !== 'file' || node.content === undefined) return false
  parent.children.set(name, { ...node, content: undefined })
  return true
}

async function removeLines({ parent, name, node }: FoundNode, beginWith: readonly string[]): Promise<boolean> {
  if (node.type !== 'file' || node.content?.kind !== 'small') return false
  const bytes = Buffer.alloc(node.content.sizeBytes)
  await node.content.read(bytes)
  // Latin 1 keeps every byte, whatever the file's encoding is.
  const before = bytes.toString('latin1').split(/(?<=\n)/)
  const after = before.filter((line) => !beginWith.some((start) => line.startsWith(start)))
  if (after.length === before.length) return false
  parent.children.set(name, { ...node, content: contentOf(Buffer.from(after.join(''), 'latin1')) })
  return true
}

function contentOf(bytes: Buffer): SmallContent | undefined {
  if (bytes.length === 0) return undefined
  return { kind: 'small', sizeBytes: bytes.length, read: async (target) => target.set(bytes) }
}
