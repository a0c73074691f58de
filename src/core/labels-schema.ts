import { Type } from 'typebox'
import { labelKeyPattern, labelValuePattern, mostLabels } from './labels.ts'

/** Apart from the rules themselves, which threads without TypeBox need too. */
export const LabelsSchema = Type.Record(
  Type.String({ pattern: labelKeyPattern }),
  Type.String({ pattern: labelValuePattern }),
  { maxProperties: mostLabels, additionalProperties: false },
)
