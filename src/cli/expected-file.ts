import { type Static, Type } from 'typebox'
import { DecodeError } from '../bytes/decode-error.ts'
import { parseMac } from '../bytes/mac.ts'
import { parseUuid } from '../bytes/uuid.ts'
import { parseCsv } from '../core/csv.ts'
import { parseLabels } from '../core/labels.ts'
import { LabelsSchema } from '../core/labels-schema.ts'
import { machineNamePattern } from '../core/machine.ts'
import { parseYamlFile } from '../core/yaml-file.ts'
import { readYamlText } from './read-yaml-text.ts'

const kind = 'file of expected machines'
const strict = { additionalProperties: false } as const
const Name = Type.String({ pattern: machineNamePattern })
const columns = ['name', 'serial', 'uuid', 'mac', 'group', 'labels', 'address'] as const

const ExpectedFile = Type.Object(
  {
    machines: Type.Array(
      Type.Object(
        {
          name: Type.Optional(Name),
          serial: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
          uuid: Type.Optional(Type.String()),
          mac: Type.Optional(Type.String()),
          group: Type.Optional(Name),
          labels: Type.Optional(LabelsSchema),
          address: Type.Optional(Type.String()),
        },
        strict,
      ),
    ),
  },
  strict,
)
type Expected = Static<typeof ExpectedFile>['machines'][number]

/** A table (`.csv`, columns `name,serial,uuid,mac,group,labels,address`) or YAML. Rejects with DecodeError or YamlFileInvalid. */
export async function readExpectedFile(path: string): Promise<Expected[]> {
  const text = await readYamlText(kind, path)
  return /\.csv$/i.test(path)
    ? parseExpectedCsv(text)
    : parseYamlFile(ExpectedFile, { kind, path, text }).content.machines
}

/** Labels stand in one field: `rack=3 role=db`. Throws DecodeError, which names the line. */
export function parseExpectedCsv(text: string): Expected[] {
  return parseCsv(text, columns).map(({ line, fields }) => {
    const { name, labels, ...rest } = fields
    try {
      if (name !== undefined && !new RegExp(machineNamePattern).test(name)) {
        throw new DecodeError('name', `"${name}" is no host name of small letters, digits and hyphens`)
      }
      if (rest.mac !== undefined) parseMac(rest.mac)
      if (rest.uuid !== undefined) parseUuid(rest.uuid)
      const said = labels === undefined ? {} : { labels: parseLabels(labels.split(/\s+/)) }
      return { ...rest, ...(name !== undefined && { name }), ...said }
    } catch (error) {
      throw new DecodeError('CSV', `line ${line}: ${(error as Error).message}`)
    }
  })
}
