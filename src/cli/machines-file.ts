import { type Static, Type } from 'typebox'
import { labelKeyPattern, labelValuePattern } from '../core/labels.ts'
import { machineNamePattern } from '../core/machine.ts'
import { parseYamlFile } from '../core/yaml-file.ts'
import { readYamlText } from './read-yaml-text.ts'

const strict = { additionalProperties: false } as const
const kind = 'file of machines'
const Mac = Type.String({ pattern: '^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$' })

/** Machines as `bootwright machine import` takes them. */
const MachinesFile = Type.Object(
  {
    machines: Type.Array(
      Type.Object(
        {
          name: Type.String({ pattern: machineNamePattern }),
          macs: Type.Optional(Type.Array(Mac, { minItems: 1 })),
          address: Type.Optional(Type.String({ pattern: '^\\d{1,3}(\\.\\d{1,3}){3}$' })),
          group: Type.Optional(Type.String({ pattern: machineNamePattern })),
          labels: Type.Optional(
            Type.Record(Type.String({ pattern: labelKeyPattern }), Type.String({ pattern: labelValuePattern })),
          ),
        },
        strict,
      ),
    ),
  },
  strict,
)
export type MachinesFile = Static<typeof MachinesFile>

/** Rejects with YamlFileInvalid, also when the file cannot be read. */
export async function readMachinesFile(path: string): Promise<MachinesFile['machines']> {
  return parseYamlFile(MachinesFile, { kind, path, text: await readYamlText(kind, path) }).content.machines
}
