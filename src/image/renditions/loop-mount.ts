import { PrivateMount } from '../private-mount.ts'

export type LoopMount = PrivateMount

export const LoopMount = {
  /** A filesystem in a file. Throws ProgramFailed. */
  open: (file: string, type: string, mountOptions: string): Promise<PrivateMount> =>
    PrivateMount.open(file, type, `loop,${mountOptions}`),
}
