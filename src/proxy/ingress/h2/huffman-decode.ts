/** Reads Huffman-coded text a byte at a time: an automaton whose states are the inner nodes of the code's tree. */
import { connectionError } from './errors.ts'
import { codeLengths, codes, endOfText } from './huffman-code.ts'

/** The two children of each inner node; a symbol is stored as its complement. */
const growTree = (): Int16Array => {
  const tree = new Int16Array(2 * endOfText)
  let nodes = 1
  codes.forEach((code, symbol) => {
    let node = 0
    for (let bit = (codeLengths[symbol] ?? 0) - 1; bit > 0; bit--) {
      const side = 2 * node + ((code >>> bit) & 1)
      if (tree[side] === 0) tree[side] = nodes++
      node = tree[side] ?? 0
    }
    tree[2 * node + (code & 1)] = ~symbol
  })
  return tree
}

/** Of a step: the next state in bits 0-7, two symbols in 8-15 and 16-23, how many there are in 24-25. */
const wrong = 0xffff_ffff

/** What a byte leads to from a node. The shortest code has five bits, so it completes two symbols at most. */
const step = (tree: Int16Array, from: number, byte: number): number => {
  let node = from
  let symbols = 0
  let count = 0
  for (let bit = 7; bit >= 0; bit--) {
    node = tree[2 * node + ((byte >>> bit) & 1)] ?? 0
    if (node >= 0) continue
    if (~node === endOfText) return wrong
    symbols |= ~node << (8 + 8 * count++)
    node = 0
  }
  return (node | symbols | (count << 24)) >>> 0
}

/** A text may end in the middle of a code when what is there are ones, fewer than eight (section 5.2). */
const findEnds = (tree: Int16Array): Uint8Array => {
  const ends = new Uint8Array(endOfText)
  let node = 0
  for (let depth = 0; depth < 8; depth++) {
    ends[node] = 1
    node = tree[2 * node + 1] ?? 0
  }
  return ends
}

interface Automaton {
  readonly steps: Uint32Array
  readonly ends: Uint8Array
}

const buildAutomaton = (): Automaton => {
  const tree = growTree()
  const steps = new Uint32Array(endOfText * 256)
  for (let at = 0; at < steps.length; at++) steps[at] = step(tree, at >>> 8, at & 0xff)
  return { steps, ends: findEnds(tree) }
}

/** A quarter of a megabyte that only those who speak HTTP/2 need. */
let automaton: Automaton | undefined

/** Eight bits are at most one and three fifths symbols. */
let scratch = Buffer.alloc(4096)

const scratchFor = (codedBytes: number): Buffer => {
  const wanted = Math.ceil((codedBytes * 8) / 5)
  if (scratch.length < wanted) scratch = Buffer.alloc(wanted)
  return scratch
}

/** The text, as latin1, coded in the bytes from `start` to `end`. Throws `ConnectionError` for a wrong code or padding. */
export const decodeHuffman = (bytes: Buffer, start: number, end: number): string => {
  automaton ??= buildAutomaton()
  const { steps, ends } = automaton
  const text = scratchFor(end - start)
  let length = 0
  let state = 0
  for (let at = start; at < end; at++) {
    const found = steps[(state << 8) | (bytes[at] ?? 0)] ?? wrong
    if (found === wrong) throw connectionError('COMPRESSION_ERROR', 'wrong Huffman code')
    // Both are stored, the length says how many count.
    text[length] = found >>> 8
    text[length + 1] = found >>> 16
    length += found >>> 24
    state = found & 0xff
  }
  if (ends[state] !== 1) throw connectionError('COMPRESSION_ERROR', 'wrong Huffman padding')
  return text.toString('latin1', 0, length)
}
