/** The ways in which a file that was written whole may be found later. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'

export const damages = {
  empty: (file: string) => writeFileSync(file, ''),
  'cut in the middle': (file: string) => {
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.subarray(0, Math.floor(bytes.length / 2)))
  },
  garbage: (file: string) => writeFileSync(file, Buffer.from('00ff9f\0{]}-----garbage\n\xff\xfe'.repeat(20), 'latin1')),
  /** As with a wrong owner; but root may read what is anybody's, so a link that leads to itself stands for it. */
  unreadable: (file: string) => {
    rmSync(file)
    symlinkSync(file, file)
  },
  gone: (file: string) => rmSync(file),
  'a folder': (file: string) => {
    rmSync(file)
    mkdirSync(file)
  },
} as const satisfies Readonly<Record<string, (file: string) => void>>

export type Damage = keyof typeof damages

export const damageNames = Object.keys(damages) as readonly Damage[]
