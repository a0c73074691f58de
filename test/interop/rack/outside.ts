// Makes a rack and passes on what it says, so that a test can kill the process that made it.
import { checkRack } from '../../../src/rack/check-rack.ts'
import { enterRack } from '../../../src/rack/namespace.ts'

const [directory = ''] = process.argv.slice(2)
const check = await checkRack()
if (check.kind === 'unavailable') throw new Error(check.missing.join('; '))
const module = new URL('./inside.ts', import.meta.url).pathname
const inside = enterRack({ module, arguments: [directory], namespaces: check.namespaces })
inside.on('message', (message) => process.send?.(message as object))
inside.on('exit', (code) => process.exit(code ?? 1))
process.on('message', (message) => inside.send(message as object))
process.on('disconnect', () => process.exit(0))
