/** Writes text in the Huffman code of HPACK. */
import { codeLengths, codes } from './huffman-code.ts'

const questionMark = 0x3f

/** The byte that stands for a character in latin1; what is beyond it would otherwise lose bits and could become CR or LF. */
export const byteAt = (text: string, at: number): number => {
  const code = text.charCodeAt(at)
  return code < 256 ? code : questionMark
}

/** How many bytes the text takes in the code. */
export const huffmanLength = (text: string): number => {
  let bits = 7
  for (let at = 0; at < text.length; at++) bits += codeLengths[byteAt(text, at)] ?? 0
  return bits >>> 3
}

/** Writes the code of `text` at `start` and returns where it ends. There must be room for `huffmanLength` bytes. */
export const writeHuffman = (text: string, target: Buffer, start: number): number => {
  let at = start
  let held = 0
  let bits = 0
  for (let index = 0; index < text.length; index++) {
    const byte = byteAt(text, index)
    const length = codeLengths[byte] ?? 0
    const code = codes[byte] ?? 0
    if (length > 24) {
      // At most seven bits are held and a code has up to thirty: too many for one step.
      held = (held << (length - 16)) | (code >>> 16)
      for (bits += length - 16; bits >= 8; bits -= 8) target[at++] = held >>> (bits - 8)
    }
    const rest = length > 24 ? 16 : length
    held = (held << rest) | (length > 24 ? code & 0xffff : code)
    for (bits += rest; bits >= 8; bits -= 8) target[at++] = held >>> (bits - 8)
  }
  if (bits > 0) target[at++] = (held << (8 - bits)) | (0xff >>> bits)
  return at
}
