import type { DirectoryNode, Node } from '../tree-builder.ts'

export type FoundNode = { parent: DirectoryNode; name: string; path: string; node: Node }

/** What stands at the places a pattern means; no symbolic link of the tree is followed. */
export function findNodes(root: DirectoryNode, pattern: string): FoundNode[] {
  let directories = [{ path: '', directory: root }]
  const names = pattern.split('/')
  const last = names.pop()!
  for (const name of names) {
    directories = directories.flatMap(({ path, directory }) =>
      childrenLike(directory, path, name).flatMap(({ node, path: below }) =>
        node.type === 'directory' ? [{ path: below, directory: node }] : [],
      ),
    )
  }
  return directories.flatMap(({ path, directory }) => childrenLike(directory, path, last))
}

/** All under a directory that is no directory itself; without recursion, because a source may be deep. */
export function membersUnder({ path, node }: FoundNode): FoundNode[] {
  const found: FoundNode[] = []
  const waiting = [{ path, node }]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (next.node.type !== 'directory') continue
    for (const child of childrenLike(next.node, next.path, '*')) {
      if (child.node.type === 'directory') waiting.push(child)
      else found.push(child)
    }
  }
  return found
}

function childrenLike(directory: DirectoryNode, path: string, name: string): FoundNode[] {
  const at = (child: string, node: Node) => ({
    ...{ parent: directory, name: child, node },
    path: path === '' ? child : `${path}/${child}`,
  })
  if (!/[*?]/.test(name)) {
    const node = directory.children.get(name)
    return node ? [at(name, node)] : []
  }
  const like = nameLike(name)
  return [...directory.children].filter(([child]) => like.test(child)).map(([child, node]) => at(child, node))
}

/** As in a shell, but that names with a dot at their start count too. */
function nameLike(pattern: string): RegExp {
  const quoted = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${quoted.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's')
}
