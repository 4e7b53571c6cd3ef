// SHA-1, for pages where the browser keeps its own away: plain http from another machine. Not for secrets.

const left = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

/** FIPS 180-4, section 6.1. */
export function sha1(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array((((message.length + 8) >> 6) + 1) << 6);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(message.length / 2 ** 29));
  view.setUint32(padded.length - 4, (message.length << 3) >>> 0);
  const state = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  const words = new Int32Array(80);
  for (let at = 0; at < padded.length; at += 64) {
    for (let index = 0; index < 80; index++) {
      words[index] = index < 16 ? view.getInt32(at + index * 4)
        : left(words[index - 3]! ^ words[index - 8]! ^ words[index - 14]! ^ words[index - 16]!, 1);
    }
    block(state, words);
  }
  const sum = new Uint8Array(20);
  state.forEach((word, index) => new DataView(sum.buffer).setInt32(index * 4, word));
  return sum;
}

function block(state: Int32Array, words: Int32Array): void {
  let [a, b, c, d, e] = state as unknown as [number, number, number, number, number];
  for (let index = 0; index < 80; index++) {
    const [mixed, constant] = index < 20 ? [(b & c) | (~b & d), 0x5a827999]
      : index < 40 ? [b ^ c ^ d, 0x6ed9eba1]
      : index < 60 ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
      : [b ^ c ^ d, 0xca62c1d6];
    const next = (left(a, 5) + mixed + e + constant + words[index]!) | 0;
    [a, b, c, d, e] = [next, a, left(b, 30), c, d];
  }
  [a, b, c, d, e].forEach((value, index) => (state[index] = (state[index]! + value) | 0));
}
