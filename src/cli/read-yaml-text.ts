import { readFile } from 'node:fs/promises'
import { YamlFileInvalid } from '../core/yaml-file.ts'

/** Rejects with YamlFileInvalid where the file cannot be read. `kind`: what it should be, such as `layout`. */
export async function readYamlText(kind: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new YamlFileInvalid(kind, path, [(cause as Error).message], cause)
  }
}
